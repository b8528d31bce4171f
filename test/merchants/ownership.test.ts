/** Merchants with one Stripe account, against the sandbox: what is one's is for the other as if it didn't exist. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStripeGateway, type StripeGateway } from "../../src/merchants/gateway.ts";
import { paymentParameters } from "../../src/payments/stripe/parameters.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { setupParameters } from "../../src/setups/stripe/requests.ts";
import { createStripeClient } from "../../src/stripe/client.ts";
import { makersMarks } from "../../src/stripe/metadata.ts";
import { startCheckedSandbox } from "../sandbox/schemas/checked.ts";
import { accountCases, type Case, chargeOf, connectedAccount, transfer } from "./accountCases.ts";

const secretKey = "sk_test_shared";
let sandbox: Sandbox;
/** Each has a gateway, or a client, of its own, with the same key. */
let books: StripeGateway;
let toys: StripeGateway;
let env: StripeGateway;
/** Somebody with the dashboard: nobody guards what he does. */
let dashboard: ReturnType<typeof createStripeClient>;

beforeAll(async () => {
  sandbox = await startCheckedSandbox({
    port: 0,
    dataDir: null,
    webhook: null,
    settlementDelayMs: 3_600_000,
    searchLagMs: 0,
  });
  const target = { secretKey, apiBase: sandbox.url };
  books = createStripeGateway({ ...target, sharedBy: "books" });
  toys = createStripeGateway({ ...target, sharedBy: "toys" });
  env = createStripeGateway({ ...target, sharedBy: "default" });
  dashboard = createStripeClient(target);
});
afterAll(async () => {
  await sandbox.close();
});

const maker = (merchant: string, invocationId = `inv_${merchant}`) => ({
  invocationId,
  installationId: "in_1",
  merchant,
});
const marks = (merchant: string) => makersMarks(maker(merchant));
const creation = (invocationId: string) => ({ invocationId, installationId: "in_1", fixedAtMs: Date.now() });
const key = () => crypto.randomUUID();

async function pay(
  stripe: StripeGateway,
  merchant: string,
  more: object = {},
  invocationId = `inv_${merchant}`,
): Promise<string> {
  const parameters = paymentParameters(
    {
      paymentMethodId: "pm_card_visa",
      amount: 109,
      currency: "usd",
      captureMethod: "automatic",
      delayedStatus: false,
      mandate: { type: "offline" },
      ...more,
    },
    { ...maker(merchant, invocationId), callbackId: "sign_1x" },
  );
  const sent = await stripe.createPayment(stripe.fixRequest(parameters, key()));
  if (sent.kind !== "made") throw new Error(`not paid: ${JSON.stringify(sent)}`);
  return sent.made.paymentIntentId;
}

async function customerOf(merchant: string): Promise<string> {
  const parameters = { email: "jenny@example.com", metadata: marks(merchant) };
  const sent = await books.createCustomer(books.fixRequest(parameters, key()));
  if (sent.kind !== "made") throw new Error(sent.kind);
  return sent.made.customerId;
}

async function setup(stripe: StripeGateway, customerId: string, paymentMethodId = "pm_card_visa") {
  const parameters = setupParameters({ customerId, paymentMethodId }, { ...maker("books"), callbackId: "sign_1x" });
  return await stripe.createSetup(stripe.fixRequest(parameters, key()));
}

async function setupOf(paymentMethodId?: string): Promise<string> {
  const sent = await setup(books, await customerOf("books"), paymentMethodId);
  if (sent.kind !== "made") throw new Error(JSON.stringify(sent));
  return sent.made.setupIntentId;
}

/** A dispute is nobody's by its metadata: the customer's bank made it. */
async function disputeOf(paymentIntentId: string): Promise<string> {
  const found = await dashboard.disputes.list({ payment_intent: paymentIntentId });
  return found.data[0]?.id ?? "";
}

const payment = () => pay(books, "books");
const hold = () => pay(books, "books", { captureMethod: "manual" });
const disputed = () => pay(books, "books", { paymentMethodId: "pm_card_createDispute" });
const failure = { stripeCode: null, declineCode: null, adviceCode: null, networkDeclineCode: null, message: "No." };
const parametersFor = (request: object, customerId: string) =>
  paymentParameters(
    {
      paymentMethodId: "pm_card_visa",
      amount: 109,
      currency: "usd",
      captureMethod: "automatic",
      delayedStatus: false,
      customerId,
      ...request,
    },
    { ...maker("toys"), callbackId: "sign_1x" },
  );

/** A payment with an open Checkout Session. */
async function inSession(): Promise<string> {
  const session = await dashboard.checkout.sessions.create({
    mode: "payment",
    success_url: "https://shop.example/done",
    line_items: [{ quantity: 1, price_data: { currency: "usd", unit_amount: 109, product_data: { name: "Book" } } }],
    metadata: marks("books"),
    payment_intent_data: { metadata: marks("books") },
  });
  // Stripe shows it by its PaymentIntent once an attempt has failed.
  const page = await fetch(`${sandbox.url}/v1/payment_pages/${session.id}/confirm`, {
    method: "POST",
    headers: { authorization: `Bearer ${secretKey}`, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ payment_method: "pm_card_visa_chargeDeclined" }),
  });
  await page.text();
  const [paymentIntent] = (await dashboard.paymentIntents.list({ limit: 1 })).data;
  return paymentIntent?.id ?? "";
}

const platform = () => ({ dashboard, sandboxUrl: sandbox.url });

/** Every request of the gateway that names an object, and those that look for one. */
const cases = {
  ...accountCases(platform),
  createPayment: {
    make: () => customerOf("books"),
    unknown: "cus_unknown",
    ask: (stripe, id) => stripe.createPayment(stripe.fixRequest(parametersFor({}, id), key())),
  },
  readPayment: { make: payment, unknown: "pi_unknown", ask: (stripe, id) => stripe.readPayment(id) },
  readWithPages: { make: payment, unknown: "pi_unknown", ask: (stripe, id) => stripe.readWithPages(id) },
  hangDoorbell: {
    make: payment,
    unknown: "pi_unknown",
    ask: (stripe, id) => stripe.hangDoorbell(id, "restate_callback_id_1", "sign_1x"),
  },
  noteFailure: {
    make: hold,
    unknown: "pi_unknown",
    ask: (stripe, id) => stripe.noteFailure(id, failure, "restate_callback_id"),
  },
  noteAbandonment: {
    make: hold,
    unknown: "pi_unknown",
    ask: (stripe, id) => stripe.noteAbandonment(id, "inv_1", "restate_callback_id"),
  },
  decideAbandonment: { make: hold, unknown: "pi_unknown", ask: (stripe, id) => stripe.decideAbandonment(id, "inv_1") },
  withdrawAbandonment: { make: hold, unknown: "pi_unknown", ask: (stripe, id) => stripe.withdrawAbandonment(id) },
  cancelPayment: { make: hold, unknown: "pi_unknown", ask: (stripe, id) => stripe.cancelPayment(id, key()) },
  capturePayment: {
    make: hold,
    unknown: "pi_unknown",
    ask: (stripe, id) => stripe.capturePayment(stripe.fixRequest({ paymentIntentId: id, amount_to_capture: 9 }, key())),
  },
  expireSession: { make: inSession, unknown: "pi_unknown", ask: (stripe, id) => stripe.expireSession(id, key()) },
  searchPayments: {
    make: async () => {
      const invocationId = `inv_${key()}`;
      await pay(books, "books", {}, invocationId);
      return invocationId;
    },
    unknown: "inv_unknown",
    ask: (stripe, id) => stripe.searchPayments(creation(id)),
  },
  listPayments: {
    make: async () => {
      const invocationId = `inv_${key()}`;
      await pay(books, "books", {}, invocationId);
      return invocationId;
    },
    unknown: "inv_unknown",
    ask: async (stripe, id) => (await stripe.listPayments(creation(id), null)).found,
  },
  listRefunds: {
    make: async () => {
      const id = await payment();
      await dashboard.refunds.create({ payment_intent: id });
      return id;
    },
    unknown: "pi_unknown",
    ask: (stripe, id) => stripe.listRefunds(id, null),
  },
  createRefund: {
    make: payment,
    unknown: "pi_unknown",
    ask: (stripe, id) => stripe.createRefund(stripe.fixRequest({ payment_intent: id, amount: 9 }, key())),
  },
  hangRefundDoorbell: {
    make: async () => (await dashboard.refunds.create({ payment_intent: await payment() })).id,
    unknown: "re_unknown",
    ask: (stripe, id) => stripe.hangRefundDoorbell(id, "restate_callback_id", "sign_1x"),
  },
  readRefund: {
    make: async () => (await dashboard.refunds.create({ payment_intent: await payment() })).id,
    unknown: "re_unknown",
    ask: (stripe, id) => stripe.readRefund(id),
  },
  createSetup: {
    make: () => customerOf("books"),
    unknown: "cus_unknown",
    ask: (stripe, id) => setup(stripe, id),
  },
  listSetups: {
    make: async () => {
      const customerId = await customerOf("books");
      await setup(books, customerId);
      return customerId;
    },
    unknown: "cus_unknown",
    ask: (stripe, id) => stripe.listSetups(id, creation("inv_books"), null),
  },
  readSetup: { make: setupOf, unknown: "seti_unknown", ask: (stripe, id) => stripe.readSetup(id) },
  readSetupWithPage: { make: setupOf, unknown: "seti_unknown", ask: (stripe, id) => stripe.readSetupWithPage(id) },
  hangSetupDoorbell: {
    make: setupOf,
    unknown: "seti_unknown",
    ask: (stripe, id) => stripe.hangSetupDoorbell(id, "restate_callback_id", "sign_1x"),
  },
  noteSetupFailure: {
    make: setupOf,
    unknown: "seti_unknown",
    ask: (stripe, id) => stripe.noteSetupFailure(id, failure, "restate_callback_id"),
  },
  cancelSetup: {
    make: async () => {
      const made = await dashboard.setupIntents.create({ metadata: marks("books") });
      return made.id;
    },
    unknown: "seti_unknown",
    ask: (stripe, id) => stripe.cancelSetup(id, key()),
  },
  createCustomer: {
    // It names no object. An email is everybody's.
    make: async () => "jenny@example.com",
    unknown: "jenny@example.com",
    ask: async (stripe, id) => (await stripe.createCustomer(stripe.fixRequest({ email: id }, key()))).kind,
  },
  listCustomers: {
    make: async () => {
      await customerOf("books");
      return "jenny@example.com";
    },
    unknown: "nobody@example.com",
    ask: async (stripe, id) => (await stripe.listCustomers(id, creation("inv_books"), null)).found,
  },
  readCustomer: {
    make: () => customerOf("books"),
    unknown: "cus_unknown",
    ask: (stripe, id) => stripe.readCustomer(id),
  },
  readDispute: {
    make: async () => await disputeOf(await disputed()),
    unknown: "du_unknown",
    ask: (stripe, id) => stripe.readDispute(id),
  },
  submitEvidence: {
    make: async () => await disputeOf(await disputed()),
    unknown: "du_unknown",
    ask: (stripe, id) =>
      stripe.submitEvidence(
        stripe.fixRequest({ disputeId: id, evidence: { customerName: "Jenny" }, submit: false }, key()),
      ),
  },
  closeDispute: {
    make: async () => await disputeOf(await disputed()),
    unknown: "du_unknown",
    ask: (stripe, id) => stripe.closeDispute(stripe.fixRequest({ disputeId: id }, key())),
  },
  noteOnDispute: {
    make: async () => await disputeOf(await disputed()),
    unknown: "du_unknown",
    ask: (stripe, id) => stripe.noteOnDispute(id, "restate_accepted_by", "inv_1"),
  },
  observePayment: { make: payment, unknown: "pi_unknown", ask: (stripe, id) => stripe.observePayment(id) },
  observeRefunds: {
    make: async () => {
      const id = await payment();
      await dashboard.refunds.create({ payment_intent: id });
      return id;
    },
    unknown: "pi_unknown",
    ask: (stripe, id) => stripe.observeRefunds(id, null),
  },
  observeDisputes: {
    make: disputed,
    unknown: "pi_unknown",
    ask: (stripe, id) => stripe.observeDisputes(id, null),
  },
  observeWarnings: {
    make: () => pay(books, "books", { paymentMethodId: "pm_card_createIssuerFraudRecord" }),
    unknown: "pi_unknown",
    ask: (stripe, id) => stripe.observeWarnings(id, null),
  },
  isConnected: {
    make: async () => (await dashboard.accounts.create({ type: "standard", metadata: marks("books") })).id,
    unknown: "acct_unknown",
    ask: (stripe, id) => stripe.isConnected(id),
  },
} as const satisfies Readonly<Partial<Record<keyof StripeGateway, Case>>>;

/**
 * No request of its own (`fixRequest`, `onBehalf`, `authorizeUrl`), or one that names nothing that has an owner: a new account and the
 * code of a consent are whose call brings them. Events are told apart by whoever reads them, and `listConnectedAccounts` has a test of
 * its own.
 */
const others = [
  "authorizeUrl",
  "createAccount",
  "exchangeCode",
  "fixRequest",
  "listConnectedAccounts",
  "listUndelivered",
  "onBehalf",
];

const text = (value: unknown, id: string) => JSON.stringify(value)?.replaceAll(id, "<id>");

/** Everything at Stripe but the log of events, by id. */
async function everything(): Promise<ReadonlyMap<string, unknown>> {
  const pages = await Promise.all([
    dashboard.paymentIntents.list({ limit: 100 }),
    dashboard.charges.list({ limit: 100 }),
    dashboard.refunds.list({ limit: 100 }),
    dashboard.setupIntents.list({ limit: 100 }),
    dashboard.customers.list({ limit: 100 }),
    dashboard.disputes.list({ limit: 100 }),
    dashboard.checkout.sessions.list({ limit: 100 }),
    dashboard.accounts.list({ limit: 100 }),
    dashboard.transfers.list({ limit: 100 }),
  ]);
  return new Map(pages.flatMap(({ data }) => data.map((object) => [object.id, object] as const)));
}

/** What became different, field by field. */
function changes(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): readonly string[] {
  return [...after].flatMap(([id, object]) => {
    const known = before.get(id) as Record<string, unknown> | undefined;
    return (
      Object.entries(object as object)
        // Stripe writes it a moment after the payment, by itself.
        .filter(([field]) => field !== "balance_transaction")
        .filter(([field, value]) => JSON.stringify(value) !== JSON.stringify(known?.[field]))
        .map(([field, value]) => `${id} ${field}: ${JSON.stringify(value)}`)
    );
  });
}

describe("with one Stripe account, the gateway of another merchant", () => {
  it("is tested with every request", () => {
    expect([...Object.keys(cases), ...others].toSorted()).toEqual(Object.keys(books).toSorted());
  });

  it.each(Object.entries<Case>(cases).filter(([name]) => name !== "createCustomer"))(
    "answers to %s as for an object that doesn't exist, and changes nothing",
    async (_name, { make, unknown, ask }) => {
      const id = await make();
      const before = await everything();
      const unknownAnswer = text(await ask(toys, unknown), unknown);
      expect(text(await ask(toys, id), id)).toBe(unknownAnswer);
      expect(text(await ask(env, id), id)).toBe(unknownAnswer);
      expect(changes(before, await everything())).toEqual([]);
      // Its own merchant may, and gets something else than for an object that doesn't exist.
      expect(text(await ask(books, id), id)).not.toBe(unknownAnswer);
    },
  );

  it("lists only connected accounts that are not another's", async () => {
    const own = await dashboard.accounts.create({ type: "standard", metadata: marks("toys") });
    const theirs = await dashboard.accounts.create({ type: "standard", metadata: marks("books") });
    const nobodys = await dashboard.accounts.create({ type: "standard" });
    const found = (await toys.listConnectedAccounts(null))?.found;
    expect(found).toEqual(expect.arrayContaining([own.id, nobodys.id]));
    expect(found).not.toContain(theirs.id);
    expect((await books.listConnectedAccounts(null))?.found).toContain(theirs.id);
  });

  it("doesn't act on a connected account of another", async () => {
    const id = await connectedAccount(platform(), marks("books"));
    const paymentIntentId = await pay(books.onBehalf(id), "books");
    const gone = { name: "StripeAccountGone", refusal: { stripeCode: "account_invalid", param: "stripeAccount" } };
    await expect(toys.onBehalf(id).readPayment(paymentIntentId)).rejects.toMatchObject(gone);
    await expect(toys.onBehalf("acct_unknown").readPayment(paymentIntentId)).rejects.toMatchObject(gone);
    await expect(pay(toys.onBehalf(id), "toys")).rejects.toThrow(`The account ${id} is not connected to yours`);
    expect((await dashboard.paymentIntents.list({}, { stripeAccount: id })).data).toHaveLength(1);
    expect(await books.onBehalf(id).readPayment(paymentIntentId)).toMatchObject({ kind: "payment" });
  });

  it("tells objects apart on a connected account that nobody owns", async () => {
    const id = await connectedAccount(platform());
    const paymentIntentId = await pay(books.onBehalf(id), "books");
    expect(await toys.onBehalf(id).readPayment(paymentIntentId)).toMatchObject({ kind: "missing" });
    expect(await toys.onBehalf(id).cancelPayment(paymentIntentId, key())).toMatchObject({ kind: "refused" });
    expect(await books.onBehalf(id).readPayment(paymentIntentId)).toMatchObject({ kind: "payment" });
  });

  it.each([
    ["transfer[destination]", (destination: string) => ({ transfer: { destination } })],
    ["onBehalfOf", (onBehalfOf: string) => ({ onBehalfOf })],
  ])("gives no payment to a connected account of another (%s)", async (_field, naming) => {
    const id = await connectedAccount(platform(), marks("books"));
    const refusal = async (asked: string) =>
      await pay(toys, "toys", naming(asked)).then(
        () => "paid",
        (error: unknown) => String(error).replaceAll(asked, "<id>"),
      );
    expect(await refusal(id)).toBe(await refusal("acct_unknown"));
    expect(await refusal(id)).toContain("No such");
    expect(await pay(books, "books", naming(id))).toMatch(/^pi_/);
  });

  it("transfers nothing of another's charge", async () => {
    const accountId = await connectedAccount(platform());
    const charge = await chargeOf(platform(), "books");
    const refused = text(await transfer(toys, "toys", accountId, charge), charge);
    expect(refused).toBe(text(await transfer(toys, "toys", accountId, "ch_unknown"), "ch_unknown"));
    expect(await transfer(books, "books", accountId, charge)).toMatchObject({ kind: "made" });
  });

  it("knows a transfer of the dashboard by its account", async () => {
    const destination = await connectedAccount(platform(), marks("books"));
    const source_transaction = await chargeOf(platform(), null);
    const { id } = await dashboard.transfers.create({ amount: 100, currency: "usd", destination, source_transaction });
    expect(await toys.readTransfer(id)).toBeNull();
    expect(await books.readTransfer(id)).toMatchObject({ transferId: id });
  });

  it("takes nothing from a payment in the customer's name that isn't another's", async () => {
    const nobodys = await dashboard.paymentIntents.create({ amount: 109, currency: "usd" });
    for (const stripe of [books, toys, env]) {
      expect(await stripe.readPayment(nobodys.id)).toMatchObject({ kind: "payment" });
      expect(await stripe.hangDoorbell(nobodys.id, "restate_callback_id_1", "sign_1x")).toMatchObject({
        kind: "payment",
      });
    }
  });

  it("knows a payment of the dashboard by its customer", async () => {
    const made = await dashboard.paymentIntents.create({
      amount: 109,
      currency: "usd",
      customer: await customerOf("books"),
    });
    expect(await toys.readPayment(made.id)).toMatchObject({ kind: "missing" });
    expect(await books.readPayment(made.id)).toMatchObject({ kind: "payment" });
  });

  it("knows the objects of the environment's merchant, who writes no name on them", async () => {
    const id = await pay(env, "default");
    expect(await toys.readPayment(id)).toMatchObject({ kind: "missing" });
    expect(await env.readPayment(id)).toMatchObject({ kind: "payment" });
  });
});

describe("a gateway that isn't shared", () => {
  it("keeps nothing apart, and asks nothing beforehand", async () => {
    const alone = createStripeGateway({ secretKey, apiBase: sandbox.url });
    const id = await payment();
    expect(await alone.readPayment(id)).toMatchObject({ kind: "payment" });
    expect(await alone.createRefund(alone.fixRequest({ payment_intent: id }, key()))).toMatchObject({ kind: "made" });
  });
});
