/** Vouchers: shown to the customer, paid days later in a shop, or never. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modes, openScene, until, untilHung, type Scene } from "../scene/scene.ts";

const address = { line1: "Rua 1", city: "São Paulo", state: "SP", postal_code: "01227-200", country: "BR" };
const billing_details = { name: "Jo Doe", email: "jo@example.com", address };
const boleto = { type: "boleto", boleto: { tax_id: "000.000.000-00" }, billing_details } as const;
const oxxo = { type: "oxxo", oxxo: {}, billing_details } as const;

describe.each(modes)("vouchers, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => {
    await scene.close();
  });

  async function pay(method: typeof boleto | typeof oxxo, more: object = {}) {
    const { id: paymentMethodId } = await scene.stripe.paymentMethods.create(method);
    const currency = method.type === "boleto" ? "brl" : "mxn";
    const returnUrl = "https://shop.example/back";
    return await scene.call("processPayment", { paymentMethodId, amount: 5000, currency, returnUrl, ...more });
  }
  const moment = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
  const page = expect.stringMatching(/^http/);
  const number = expect.stringMatching(/^\d+$/);

  it.each([
    [boleto, { type: "boleto_display_details", redirectUrl: page, number, pdfUrl: page, expiresAt: moment }],
    [oxxo, { type: "oxxo_display_details", redirectUrl: page, number, expiresAt: moment }],
  ])("of $type are shown, and awaitPayment answers when they are paid", async (method, nextAction) => {
    const { status, body } = await pay(method);
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "requires_action", settledBy: "response" });
    expect(body.nextAction).toEqual(nextAction);
    const paymentIntentId = body.paymentIntentId ?? "";
    const wait = scene.call("awaitPayment", { paymentIntentId });
    await untilHung(2, () => scene.stripe.paymentIntents.retrieve(paymentIntentId));
    await scene.settle(paymentIntentId);
    expect(await wait).toMatchObject({
      status: 200,
      body: { paymentIntentId, status: "succeeded", amountReceived: 5000, settledBy: "webhook" },
    });
  });

  it.each([boleto, oxxo])("of $type that expire are declined, and can't be paid any more", async (method) => {
    const paymentIntentId = (await pay(method)).body.paymentIntentId ?? "";
    const wait = scene.call("awaitPayment", { paymentIntentId });
    await untilHung(2, () => scene.stripe.paymentIntents.retrieve(paymentIntentId));
    await scene.settle(paymentIntentId, "failed");
    expect(await wait).toMatchObject({
      status: 402,
      body: { metadata: { reason: "declined", stripeCode: "payment_intent_payment_attempt_expired", paymentIntentId } },
    });
    await until("it to be closed", async () =>
      (await scene.stripe.paymentIntents.retrieve(paymentIntentId)).status === "canceled" ? true : undefined,
    );
  });

  it("that nobody paid in the merchant's time are cancelled", async () => {
    const paymentIntentId = (await pay(boleto, { timeoutSeconds: 1 })).body.paymentIntentId ?? "";
    expect(await scene.call("awaitPayment", { paymentIntentId })).toMatchObject({
      status: 409,
      body: { metadata: { reason: "canceled", paymentIntentId } },
    });
  });
});
