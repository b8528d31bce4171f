/** The gateway's requests about SetupIntents, customers and disputes, against the sandbox. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { customerParameters } from "../../src/customers/stripe.ts";
import { createStripeGateway, type StripeGateway } from "../../src/merchants/gateway.ts";
import { paymentParameters } from "../../src/payments/stripe/parameters.ts";
import { setupParameters } from "../../src/setups/stripe/requests.ts";

const hourMs = 3_600_000;
type Answer = { readonly status: number; readonly body: string };

const unknownCustomer: Answer = {
  status: 404,
  body: JSON.stringify({
    error: { type: "invalid_request_error", code: "resource_missing", param: "customer", message: "No such customer" },
  }),
};

async function startProxy(answer: (url: URL) => Promise<Answer>): Promise<string> {
  const server = createServer((request, response) => {
    void answer(new URL(request.url ?? "/", "http://sandbox")).then(({ status, body }) =>
      response.writeHead(status, { "content-type": "application/json" }).end(body),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const origin = { invocationId: "inv_1", installationId: "in_1", merchant: "default", callbackId: "sign_1x" };

describe("the gateway", () => {
  let sandbox: Sandbox;
  let stripe: StripeGateway;
  let customerId: string;
  beforeAll(async () => {
    sandbox = await startSandbox({ port: 0, dataDir: null, webhook: null, settlementDelayMs: hourMs, searchLagMs: 0 });
    stripe = createStripeGateway({ secretKey: "sk_test_gateway", apiBase: sandbox.url });
    const created = await stripe.createCustomer(
      stripe.fixRequest(customerParameters({ email: "jenny@example.com" }, origin), "customer"),
    );
    customerId = created.kind === "made" ? created.made.customerId : created.kind;
  });
  afterAll(async () => {
    await sandbox.close();
  });

  const requestOf = (paymentMethodId: string, invocationId: string) =>
    stripe.fixRequest(
      setupParameters({ customerId, paymentMethodId }, { ...origin, invocationId }),
      crypto.randomUUID(),
    );

  async function customersOf(email: string, invocationId: string, fixedAtMs: number) {
    return (await stripe.listCustomers(email, { invocationId, installationId: "in_1", fixedAtMs }, null)).found;
  }

  it("never sends what Stripe may have forgotten the key of", async () => {
    const old = { fixedAtMs: Date.now() - 23 * hourMs };
    const unknown = { kind: "unknown" };
    expect(await stripe.createSetup({ ...requestOf("pm_card_visa", "inv_old"), ...old })).toEqual(unknown);
    expect(await setupsOf(stripe, customerId, "inv_old", Date.now())).toEqual([]);
    const customer = customerParameters({ email: "old@example.com" }, origin);
    expect(await stripe.createCustomer({ ...stripe.fixRequest(customer, "k1"), ...old })).toEqual(unknown);
    expect(await customersOf("old@example.com", "inv_1", Date.now())).toEqual([]);
    const disputeId = "du_1";
    expect(await stripe.closeDispute({ ...stripe.fixRequest({ disputeId }, "k2"), ...old })).toEqual(unknown);
    const evidence = { disputeId, evidence: {}, submit: true };
    expect(await stripe.submitEvidence({ ...stripe.fixRequest(evidence, "k3"), ...old })).toEqual(unknown);
  });

  it("finds a SetupIntent and a Customer by the invocation that made them, and no older one's", async () => {
    const created = await stripe.createSetup(requestOf("pm_card_visa", "inv_found"));
    const id = created.kind === "made" ? created.made.setupIntentId : created.kind;
    expect(await setupsOf(stripe, customerId, "inv_found", Date.now())).toEqual([id]);
    expect(await setupsOf(stripe, customerId, "inv_other", Date.now())).toEqual([]);
    // The same idempotency key, days later: the invocation id is the same, the object is not.
    expect(await setupsOf(stripe, customerId, "inv_found", Date.now() + 48 * hourMs)).toEqual([]);
    const [customer] = await customersOf("jenny@example.com", "inv_1", Date.now());
    expect(customer).toBe(customerId);
    expect(await customersOf("jenny@example.com", "inv_1", Date.now() + 48 * hourMs)).toEqual([]);
  });

  it("finds the SetupIntent of a customer whom Stripe no longer knows", async () => {
    const created = await stripe.createSetup(requestOf("pm_card_visa", "inv_gone"));
    const id = created.kind === "made" ? created.made.setupIntentId : created.kind;
    // Stripe may refuse to list by a customer who was deleted; the sandbox doesn't, so this stands before it.
    const apiBase = await startProxy(async (url) => {
      if (url.searchParams.get("customer") === customerId) return unknownCustomer;
      const response = await fetch(`${sandbox.url}${url.pathname}${url.search}`, {
        headers: { authorization: "Bearer sk_test_gateway" },
      });
      return { status: response.status, body: await response.text() };
    });
    const gateway = createStripeGateway({ secretKey: "sk_test_gateway", apiBase });
    expect(await setupsOf(gateway, customerId, "inv_gone", Date.now())).toEqual([id]);
    expect(await setupsOf(gateway, customerId, "inv_never", Date.now())).toEqual([]);
  });

  it("gives a decline as a set-up with its failure, and keeps the reason when it is closed", async () => {
    const created = await stripe.createSetup(requestOf("pm_card_visa_chargeDeclinedLostCard", "inv_declined"));
    expect(created).toMatchObject({
      kind: "made",
      made: { status: "requires_payment_method", paymentMethodId: null, failure: { declineCode: "lost_card" } },
    });
    if (created.kind !== "made" || created.made.failure === null) throw new Error("not declined");
    const { setupIntentId, failure } = created.made;
    await stripe.noteSetupFailure(setupIntentId, failure, "restate_callback_id");
    await stripe.cancelSetup(setupIntentId, "k4");
    expect(await stripe.readSetup(setupIntentId)).toMatchObject({
      setup: {
        status: "canceled",
        closedAfterFailure: true,
        failure: { declineCode: "lost_card", adviceCode: "do_not_try_again", networkDeclineCode: "41" },
      },
    });
    expect(await stripe.cancelSetup(setupIntentId, "k5")).toMatchObject({ kind: "refused" });
  });

  it("says missing of what does not exist", async () => {
    expect(await stripe.readSetup("seti_none")).toMatchObject({ kind: "missing" });
    expect(await stripe.readCustomer("cus_none")).toEqual({ kind: "missing" });
    expect(await stripe.readDispute("du_none")).toEqual({ kind: "missing" });
  });

  it("compares a dispute's evidence with the caller's, and submits nothing by a note", async () => {
    const payment = paymentParameters(
      {
        paymentMethodId: "pm_card_createDispute",
        amount: 109,
        currency: "usd",
        captureMethod: "automatic",
        delayedStatus: false,
      },
      origin,
    );
    await stripe.createPayment(stripe.fixRequest(payment, "k6"));
    const response = await fetch(`${sandbox.url}/v1/disputes`, {
      headers: { authorization: "Bearer sk_test_gateway" },
    });
    const disputeId = ((await response.json()) as { data: { id: string }[] }).data[0]?.id ?? "";
    const evidence = { uncategorizedText: "It arrived.\n" };
    const staging = stripe.fixRequest({ disputeId, evidence, submit: false }, "k7");
    expect(await stripe.submitEvidence(staging)).toMatchObject({ made: { hasEvidence: true, holdsEvidence: true } });
    expect(await stripe.noteOnDispute(disputeId, "restate_accepted_by", "inv_1")).toMatchObject({
      dispute: { status: "needs_response", submissionCount: 0, acceptanceNoted: true },
    });
    expect(await stripe.readDispute(disputeId, evidence)).toMatchObject({ dispute: { holdsEvidence: true } });
    expect(await stripe.readDispute(disputeId, { ...evidence, customerName: "Jenny" })).toMatchObject({
      dispute: { holdsEvidence: false },
    });
  });
});

async function setupsOf(gateway: StripeGateway, customer: string, invocationId: string, fixedAtMs: number) {
  const creation = { invocationId, installationId: "in_1", fixedAtMs };
  const ofCustomer = await gateway.listSetups(customer, creation, null);
  return (ofCustomer ?? (await gateway.listSetups(null, creation, null)))?.found;
}
