/** The gateway against the sandbox: what it gives, what it throws, and that it does not send what must not be sent. */
import { createServer } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { createStripeGateway, type StripeGateway } from "../../src/merchants/gateway.ts";
import { StripeAccessError } from "../../src/stripe/request.ts";
import { paymentParameters } from "../../src/payments/stripe/parameters.ts";
import { startCheckedSandbox } from "../sandbox/schemas/checked.ts";

const hourMs = 3_600_000;

/** As the handlers do: by search, and where it shows nothing, by the list. */
async function find(gateway: StripeGateway, invocationId: string, fixedAtMs: number): Promise<readonly string[]> {
  const creation = { invocationId, installationId: "in_1", fixedAtMs };
  const searched = (await gateway.searchPayments(creation)) ?? [];
  return searched.length > 0 ? searched : (await gateway.listPayments(creation, null)).found;
}

describe("createStripeGateway", () => {
  let sandbox: Sandbox;
  let stripe: StripeGateway;
  beforeAll(async () => {
    sandbox = await startCheckedSandbox({
      port: 0,
      dataDir: null,
      webhook: null,
      settlementDelayMs: hourMs,
      searchLagMs: 0,
    });
    stripe = createStripeGateway({ secretKey: "sk_test_gateway", apiBase: sandbox.url });
  });
  afterAll(async () => {
    await sandbox.close();
  });
  afterEach(async () => {
    await fetch(`${sandbox.url}/_sandbox/faults`, { method: "DELETE" });
  });

  function charge(paymentMethodId: string, ageMs = 0, invocationId: string = crypto.randomUUID()) {
    const parameters = paymentParameters(
      {
        paymentMethodId,
        amount: 109,
        currency: "usd",
        captureMethod: "automatic",
        delayedStatus: false,
        mandate: { type: "offline" },
      },
      { invocationId, installationId: "in_1", merchant: "default", callbackId: "sign_1x" },
    );
    return { ...stripe.fixRequest(parameters, crypto.randomUUID()), fixedAtMs: Date.now() - ageMs };
  }

  async function paymentIntentId(paymentMethodId: string): Promise<string> {
    const created = await stripe.createPayment(charge(paymentMethodId));
    if (created.kind !== "made") throw new Error(created.kind);
    return created.made.paymentIntentId;
  }

  async function fault(effect: string): Promise<void> {
    const response = await fetch(`${sandbox.url}/_sandbox/faults`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      // The stripe package repeats a request by itself, once, when its connection is reset.
      body: JSON.stringify({ target: "api", effect, count: effect.startsWith("cut") ? 2 : 1 }),
    });
    expect(response.status).toBe(200);
  }

  it("never sends a create whose key Stripe may have forgotten", async () => {
    const invocationId = "inv_old";
    expect(await stripe.createPayment(charge("pm_card_visa", 23 * hourMs, invocationId))).toEqual({ kind: "unknown" });
    expect(await find(stripe, invocationId, Date.now())).toEqual([]);
  });

  it("sends a create again while its key is young, and gets the same PaymentIntent", async () => {
    const request = charge("pm_card_visa", 22 * hourMs);
    const answers = [await stripe.createPayment(request), await stripe.createPayment(request)];
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.kind).toBe("made");
  });

  it("never sends a refund whose key Stripe may have forgotten", async () => {
    const payment_intent = await paymentIntentId("pm_card_visa");
    const request = { ...stripe.fixRequest({ payment_intent }, "key"), fixedAtMs: Date.now() - 23 * hourMs };
    expect(await stripe.createRefund(request)).toEqual({ kind: "unknown" });
    expect(await stripe.listRefunds(payment_intent, null)).toEqual({ found: [], next: null });
  });

  it("gives a decline as a payment with its failure, id and all", async () => {
    expect(await stripe.createPayment(charge("pm_card_visa_chargeDeclinedLostCard"))).toMatchObject({
      kind: "made",
      made: {
        paymentIntentId: expect.stringMatching(/^pi_/),
        status: "requires_payment_method",
        failure: { stripeCode: "card_declined", declineCode: "lost_card" },
      },
    });
  });

  it("finds by the invocation id what a lost answer hides", async () => {
    await fault("cut_after");
    const request = charge("pm_card_visa", 0, "inv_lost");
    await expect(stripe.createPayment(request)).rejects.toMatchObject({ name: "StripeOutage" });
    const [found = "", ...others] = await find(stripe, "inv_lost", request.fixedAtMs);
    expect(others).toEqual([]);
    expect(await stripe.readPayment(found)).toMatchObject({ payment: { status: "succeeded" } });
    expect(await find(stripe, "inv_other", request.fixedAtMs)).toEqual([]);
    // The same idempotency key, days later: the invocation id is the same, the payment is not.
    expect(await find(stripe, "inv_lost", request.fixedAtMs + 48 * hourMs)).toEqual([]);
  });

  it.each([
    ["ahead", hourMs + 60_000],
    ["behind", -hourMs - 60_000],
  ])("finds what a lost answer hides also with a clock that is an hour and a minute %s", async (_what, offByMs) => {
    const invocationId = `inv_${offByMs}`;
    await fault("cut_after");
    const request = charge("pm_card_visa", 0, invocationId);
    await expect(stripe.createPayment(request)).rejects.toMatchObject({ name: "StripeOutage" });
    expect(await find(stripe, invocationId, request.fixedAtMs + offByMs)).toHaveLength(1);
  });

  it.each(["error_500", "rate_limit", "lock_timeout", "conflict", "html_502", "cut_before", "cut_after"])(
    "throws %s as an outage, which the engine retries",
    async (effect) => {
      await fault(effect);
      await expect(stripe.createPayment(charge("pm_card_visa"))).rejects.toMatchObject({ name: "StripeOutage" });
    },
  );

  it.each(["unauthorized", "forbidden"])("throws %s as something for an operator", async (effect) => {
    await fault(effect);
    await expect(stripe.readPayment("pi_1")).rejects.toThrow(StripeAccessError);
  });

  it.each(["error_500_saved", "error_500_saved_after"])("gives a replayed %s as unknown", async (effect) => {
    await fault(effect);
    const request = charge("pm_card_visa");
    await expect(stripe.createPayment(request)).rejects.toMatchObject({ name: "StripeOutage" });
    expect(await stripe.createPayment(request)).toEqual({ kind: "unknown" });
  });

  it("tells a refusal to cancel from a cancelled payment, whatever the reason", async () => {
    const processing = await paymentIntentId("pm_usBankAccount_success");
    const succeeded = await paymentIntentId("pm_card_visa");
    const endless = await paymentIntentId("pm_usBankAccount_processing");
    expect(await stripe.cancelPayment(processing, "c1")).toMatchObject({ kind: "refused" });
    expect(await stripe.cancelPayment(succeeded, "c2")).toMatchObject({ kind: "refused" });
    expect(await stripe.cancelPayment(endless, "c3")).toMatchObject({
      kind: "payment",
      payment: { status: "canceled" },
    });
    expect(await stripe.cancelPayment("pi_none", "c4")).toMatchObject({ kind: "refused" });
  });

  it("keeps the reason of a failure readable after updates and a cancellation erased it", async () => {
    const created = await stripe.createPayment(charge("pm_card_visa_chargeDeclinedInsufficientFunds"));
    if (created.kind !== "made" || created.made.failure === null) throw new Error("not declined");
    const { paymentIntentId: id, failure } = created.made;
    await stripe.hangDoorbell(id, "restate_callback_id_12345678", "sign_1y");
    expect(await stripe.readPayment(id)).toMatchObject({ payment: { failure: { stripeCode: "card_declined" } } });
    await stripe.noteFailure(id, failure, "restate_callback_id");
    await stripe.cancelPayment(id, "c5");
    expect(await stripe.readPayment(id)).toMatchObject({
      payment: { status: "canceled", closedAfterFailure: true, failure: { stripeCode: "card_declined" } },
    });
  });

  it("finds by listing where search is refused", async () => {
    const request = charge("pm_card_visa", 0, "inv_unsearchable");
    const created = await stripe.createPayment(request);
    const refusing = await proxyThat((path) => (path.includes("/search") ? refusedSearch : null));
    const unsearchable = createStripeGateway({ secretKey: "sk_test_gateway", apiBase: refusing.url });
    const id = created.kind === "made" ? created.made.paymentIntentId : "";
    expect(await find(unsearchable, "inv_unsearchable", request.fixedAtMs)).toEqual([id]);
    await refusing.close();
  });

  it("takes a proxy's JSON in Stripe's name for an outage, and not for a success", async () => {
    const ill = await proxyThat(() => ({ status: 502, body: { message: "bad gateway" } }));
    const behind = createStripeGateway({ secretKey: "sk_test_gateway", apiBase: ill.url });
    const outage = { name: "StripeOutage" };
    await expect(behind.createPayment(charge("pm_card_visa"))).rejects.toMatchObject(outage);
    await expect(behind.readPayment("pi_1")).rejects.toMatchObject(outage);
    await expect(behind.cancelPayment("pi_1", "k1")).rejects.toMatchObject(outage);
    const refund = behind.fixRequest({ payment_intent: "pi_1" }, "k2");
    await expect(behind.createRefund(refund)).rejects.toMatchObject(outage);
    const creation = { invocationId: "inv_1", installationId: "in_1", fixedAtMs: Date.now() };
    await expect(behind.searchPayments(creation)).rejects.toMatchObject(outage);
    await expect(behind.listPayments(creation, null)).rejects.toMatchObject(outage);
    await ill.close();
  });

  /** A server before the sandbox that answers by itself where it is told to, and passes everything else on. */
  async function proxyThat(answer: (path: string) => { readonly status: number; readonly body: object } | null) {
    const server = createServer((request, response) => {
      const own = answer(request.url ?? "");
      if (own !== null) {
        response.writeHead(own.status, { "content-type": "application/json" }).end(JSON.stringify(own.body));
        return;
      }
      void fetch(`${sandbox.url}${request.url}`, {
        headers: { authorization: request.headers.authorization ?? "" },
      }).then(async (passed) => response.writeHead(passed.status).end(await passed.text()));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return {
      url: `http://127.0.0.1:${port}`,
      close: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())),
    };
  }
  const refusedSearch = {
    status: 400,
    body: { error: { type: "invalid_request_error", message: "Search is not supported here." } },
  };

  it("shows a payment as the merchant is told of it, without the metadata that are ours", async () => {
    const request = charge("pm_usBankAccount_success");
    const parameters = { ...request.parameters, metadata: { ...request.parameters.metadata, orderId: "4004" } };
    const created = await stripe.createPayment({ ...request, parameters });
    const id = created.kind === "made" ? created.made.paymentIntentId : "";
    expect(await stripe.observePayment(id)).toEqual({
      payment: expect.objectContaining({ paymentIntentId: id, status: "processing" }),
      installationId: "in_1",
      merchant: "default",
      isBankDebit: true,
      metadata: { orderId: "4004" },
      cancellationReason: null,
      datedAtMs: expect.any(Number),
    });
    expect(await stripe.observePayment(await paymentIntentId("pm_card_visa"))).toMatchObject({ isBankDebit: false });
    expect(await stripe.observePayment("pi_none")).toBeNull();
  });

  it("shows what became of a payment later", async () => {
    const disputed = await paymentIntentId("pm_card_createDispute");
    const warned = await paymentIntentId("pm_card_createIssuerFraudRecord");
    await stripe.createRefund(stripe.fixRequest({ payment_intent: warned, amount: 9 }, crypto.randomUUID()));
    expect((await stripe.observeDisputes(disputed, null)).found).toEqual([
      {
        disputeId: expect.stringMatching(/^du_/),
        status: "needs_response",
        amount: 109,
        currency: "usd",
        reason: "fraudulent",
        respondBy: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        createdAtMs: expect.any(Number),
      },
    ]);
    expect((await stripe.observeWarnings(warned, null)).found).toEqual([
      {
        warningId: expect.stringMatching(/^issfr_/),
        fraudType: "made_with_stolen_card",
        isActionable: true,
        chargeId: expect.stringMatching(/^ch_/),
        createdAtMs: expect.any(Number),
      },
    ]);
    expect((await stripe.observeRefunds(warned, null)).found).toEqual([
      {
        refundId: expect.stringMatching(/^re_/),
        status: "succeeded",
        stripeStatus: "succeeded",
        amount: 9,
        currency: "usd",
        reason: null,
        failureReason: null,
        createdAtMs: expect.any(Number),
      },
    ]);
    expect(await stripe.observeDisputes(warned, null)).toEqual({ found: [], next: null });
  });

  it("throws where the key may not list what became of a payment", async () => {
    const lists = [
      () => stripe.observeRefunds("pi_1", null),
      () => stripe.observeDisputes("pi_1", null),
      () => stripe.observeWarnings("pi_1", null),
    ];
    for (const list of lists) {
      await fault("forbidden");
      await expect(list()).rejects.toThrow(StripeAccessError);
    }
  });

  it("says missing of a PaymentIntent that does not exist", async () => {
    expect(await stripe.readPayment("pi_none")).toMatchObject({
      kind: "missing",
      refusal: { stripeCode: "resource_missing" },
    });
  });
});
