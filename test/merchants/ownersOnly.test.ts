/** The HTTP client of a merchant who shares a Stripe account: its pages, what it costs, and on which terms it asks. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import { ownersOnly } from "../../src/merchants/ownership/ownersOnly.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { createStripeClient } from "../../src/stripe/client.ts";
import { makersMarks } from "../../src/stripe/metadata.ts";
import { onTerms, WithdrawnRequest } from "../../src/stripe/terms.ts";
import { startCheckedSandbox } from "../sandbox/schemas/checked.ts";
import { cannedStripe, refusals } from "./cannedStripe.ts";

const secretKey = "sk_test_shared";
const marks = (merchant: string) => makersMarks({ invocationId: `inv_${merchant}`, installationId: "in_1", merchant });
const clientOf = (merchant: string, apiBase: string) =>
  createStripeClient({ secretKey, apiBase, guard: ownersOnly(merchant) });

describe("the pages of a list", () => {
  let sandbox: Sandbox;
  const made: Record<string, string[]> = { books: [], toys: [], nobody: [] };
  beforeAll(async () => {
    sandbox = await startCheckedSandbox({ port: 0, dataDir: null, webhook: null, searchLagMs: 0 });
    const dashboard = createStripeClient({ secretKey, apiBase: sandbox.url });
    for (const owner of "tbbbbbbtbbbnbbbbbbbt") {
      const name = owner === "b" ? "books" : owner === "t" ? "toys" : "nobody";
      const { id } = await dashboard.paymentIntents.create({
        amount: 109,
        currency: "usd",
        metadata: name === "nobody" ? {} : marks(name),
      });
      made[name]?.unshift(id);
    }
  });
  afterAll(async () => {
    await sandbox.close();
  });

  async function idsOf(list: AsyncIterable<{ readonly id: string }>): Promise<readonly string[]> {
    return (await Array.fromAsync(list)).map(({ id }) => id);
  }
  const seenBy = (merchant: "books" | "toys") => {
    const own = new Set([...(made[merchant] ?? []), ...(made["nobody"] ?? [])]);
    return [...own].toSorted((one, other) => (one < other ? 1 : -1));
  };

  it.each([1, 2, 3, 100])("of %i show one's own and nobody's, all of them", async (limit) => {
    const toys = clientOf("toys", sandbox.url);
    const books = clientOf("books", sandbox.url);
    expect((await idsOf(toys.paymentIntents.list({ limit }))).toSorted().toReversed()).toEqual(seenBy("toys"));
    expect((await idsOf(books.paymentIntents.list({ limit }))).toSorted().toReversed()).toEqual(seenBy("books"));
  });

  it("also backwards", async () => {
    const toys = clientOf("toys", sandbox.url);
    const [first = "", ...others] = await idsOf(toys.paymentIntents.list({ limit: 100 }));
    const last = others.at(-1) ?? "";
    const before = await idsOf(toys.paymentIntents.list({ limit: 1, ending_before: last }));
    expect(before).toEqual([first, ...others].slice(0, -1).toReversed());
  });

  it.each([1, 2, 100])("of a search, %i at a time", async (limit) => {
    const toys = clientOf("toys", sandbox.url);
    const query = "status:'requires_payment_method'";
    expect((await idsOf(toys.paymentIntents.search({ query, limit }))).toSorted().toReversed()).toEqual(seenBy("toys"));
  });

  it("say that there are no more where only others' follow", async () => {
    const books = clientOf("books", sandbox.url);
    const page = await books.paymentIntents.list({ limit: 1, starting_after: seenByOrder().at(-1) ?? "" });
    expect(page).toMatchObject({ data: [], has_more: false });
  });

  /** Books' and nobody's, newest first: the last of all objects is toys'. */
  function seenByOrder(): readonly string[] {
    return made["books"] ?? [];
  }
});

const payment = (more: object = {}) => ({
  id: "pi_1",
  object: "payment_intent",
  status: "succeeded",
  amount: 1,
  currency: "usd",
  latest_charge: null,
  next_action: null,
  metadata: {},
  ...more,
});
const refund = { id: "re_1", object: "refund", status: "succeeded", amount: 1, created: 1, metadata: {} };
const own = { body: payment({ metadata: marks("books") }) };

describe("the requests beforehand", () => {
  it("are none where an answer has told whose the object is", async () => {
    const { url, sent } = await cannedStripe(own, own, { body: refund });
    const books = createStripeGateway({ secretKey, apiBase: url, sharedBy: "books" });
    await books.createPayment(books.fixRequest({ amount: 1, currency: "usd" }, "k1"));
    await books.hangDoorbell("pi_1", "restate_callback_id_1", "sign_1x");
    await books.createRefund(books.fixRequest({ payment_intent: "pi_1" }, "k2"));
    expect(sent.map(({ line }) => line)).toEqual([
      "POST /v1/payment_intents",
      "POST /v1/payment_intents/pi_1",
      "POST /v1/refunds",
    ]);
  });

  it("are one for each object that a request names, with the key and account of it, and no more of it", async () => {
    const { url, sent } = await cannedStripe(
      { body: { id: "acct_1", object: "account", metadata: {} } },
      own,
      { body: refund },
      { body: refund },
    );
    const books = createStripeGateway({ secretKey, apiBase: url, sharedBy: "books" }).onBehalf("acct_1");
    await books.createRefund(books.fixRequest({ payment_intent: "pi_1" }, "k1"));
    await books.createRefund(books.fixRequest({ payment_intent: "pi_1" }, "k2"));
    expect(sent.map(({ line, idempotencyKey, headers }) => [line, idempotencyKey, headers["stripe-account"]])).toEqual([
      ["GET /v1/accounts/acct_1", undefined, undefined],
      ["GET /v1/payment_intents/pi_1", undefined, "acct_1"],
      ["POST /v1/refunds", "k1", "acct_1"],
      ["POST /v1/refunds", "k2", "acct_1"],
    ]);
    expect(new Set(sent.map(({ headers }) => headers["stripe-version"])).size).toBe(1);
    expect(sent.every(({ headers }) => headers["authorization"] === `Bearer ${secretKey}`)).toBe(true);
  });

  it("keep a request about another's object from being sent", async () => {
    const { url, sent } = await cannedStripe(own);
    const toys = createStripeGateway({ secretKey, apiBase: url, sharedBy: "toys" });
    expect(await toys.createRefund(toys.fixRequest({ payment_intent: "pi_1" }, "k1"))).toEqual({
      kind: "refused",
      id: null,
      refusal: { stripeCode: "resource_missing", param: "payment_intent", message: "No such payment_intent: 'pi_1'" },
    });
    expect(sent.map(({ line }) => line)).toEqual(["GET /v1/payment_intents/pi_1"]);
  });

  it.each([
    ["unexpected_state", refusals.unexpected_state, "exists"],
    ["refused", refusals.refused, "refused"],
  ])("answer in place of the request where Stripe refuses them (%s)", async (_what, answer, kind) => {
    const { url, sent } = await cannedStripe(answer);
    const books = createStripeGateway({ secretKey, apiBase: url, sharedBy: "books" });
    const fixed = books.fixRequest({ paymentIntentId: "pi_1" }, "k1");
    expect(await books.capturePayment(fixed)).toMatchObject({ kind });
    expect(sent).toHaveLength(1);
  });

  it.each([
    [500, "StripeOutage"],
    [429, "StripeOutage"],
    [401, "StripeAccessError"],
    [403, "StripeAccessError"],
  ])(
    "that Stripe answers with %i keep the request from being sent, too: nobody knows whose the object is",
    async (status, name) => {
      const { url, sent } = await cannedStripe({ status, body: { error: { type: "api_error", message: "No." } } });
      const books = createStripeGateway({ secretKey, apiBase: url, sharedBy: "books" });
      const fixed = books.fixRequest({ payment_intent: "pi_1" }, "k1");
      await expect(books.createRefund(fixed)).rejects.toMatchObject({ name });
      expect(sent.map(({ line }) => line)).toEqual(["GET /v1/payment_intents/pi_1"]);
    },
  );

  it.each([null, { all: 100, eachOperation: 100, search: 80 }])(
    "leave a request unsent that must not be sent any more when they are answered (pace %j)",
    async (pace) => {
      const { url, sent } = await cannedStripe(own, { body: refund });
      const books = createStripeGateway({ secretKey, apiBase: url, pace, sharedBy: "books" });
      const check = () => {
        if (sent.length > 0) throw new WithdrawnRequest("too late");
      };
      const fixed = books.fixRequest({ payment_intent: "pi_1" }, "k1");
      await expect(onTerms({ check }, () => books.createRefund(fixed))).rejects.toMatchObject({ why: "too late" });
      expect(sent.map(({ line }) => line)).toEqual(["GET /v1/payment_intents/pi_1"]);
    },
  );

  it("wait for their turns as the request does", async () => {
    const { url, sent } = await cannedStripe(own, { body: refund });
    const pace = { all: 5, eachOperation: 5, search: 4 };
    const books = createStripeGateway({ secretKey, apiBase: url, pace, sharedBy: "books" });
    const begunAtMs = performance.now();
    await books.createRefund(books.fixRequest({ payment_intent: "pi_1" }, "k1"));
    expect(sent).toHaveLength(2);
    expect(performance.now() - begunAtMs).toBeGreaterThanOrEqual(195);
  });

  it("are not needed to give the answer to what was done", async () => {
    const unmarked = { ...refund, payment_intent: "pi_2" };
    const { url, sent } = await cannedStripe(own, { body: unmarked });
    const books = createStripeGateway({ secretKey, apiBase: url, sharedBy: "books" });
    const made = await books.createRefund(books.fixRequest({ payment_intent: "pi_1" }, "k1"));
    expect(made).toMatchObject({ kind: "made", made: { refundId: "re_1" } });
    expect(sent).toHaveLength(2);
  });
});

describe("an answer that is no object", () => {
  it("is an outage, as without a guard", async () => {
    const { url } = await cannedStripe({ body: { message: "bad gateway" } });
    const books = createStripeGateway({ secretKey, apiBase: url, sharedBy: "books" });
    await expect(books.readPayment("pi_1")).rejects.toMatchObject({ name: "StripeOutage" });
    const fixed = books.fixRequest({ payment_intent: "pi_1" }, "k1");
    await expect(books.createRefund(fixed)).rejects.toMatchObject({ name: "StripeOutage" });
  });
});
