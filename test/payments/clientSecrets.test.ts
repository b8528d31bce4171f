/** Where the engine keeps client secrets, which stand in the addresses of the pages that customers are sent to. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answersToCustomers, clientSecretMark, entriesWithoutPages } from "../chaos/secretPlaces.ts";
import { card, modes, newOrder, openScene, type Answer, type Scene } from "../scene/scene.ts";

const returnUrl = "https://shop.example/back";
const hexMark = Buffer.from(clientSecretMark).toString("hex");

describe.each(modes)("the client secret of a customer's page, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => await scene.close());

  const pay = async (more: object = {}, key?: string): Promise<Answer> =>
    await scene.call(
      "processPayment",
      { ...card(newOrder(), "pm_card_threeDSecure2Required"), returnUrl, ...more },
      key,
    );

  /** Asks again under the same key, by getPayment, and as the customer at the page. */
  async function expectWorkingPage(request: object): Promise<Answer> {
    const key = newOrder();
    const first = await scene.call("processPayment", request, key);
    expect(first).toMatchObject({ status: 200, body: { status: "requires_action" } });
    const { nextAction, paymentIntentId = "" } = first.body;
    const { client_secret: secret } = await scene.stripe.paymentIntents.retrieve(paymentIntentId);
    expect(nextAction?.redirectUrl).toContain(`payment_intent_client_secret=${secret}`);
    expect(await scene.call("processPayment", request, key)).toEqual(first);
    expect((await scene.call("getPayment", { paymentIntentId })).body.nextAction).toEqual(nextAction);
    return first;
  }

  /** The customer passes; gives the payment's status after it. */
  async function passAuthentication({ body }: Answer): Promise<string | undefined> {
    const { nextAction, paymentIntentId } = body;
    await fetch(nextAction?.redirectUrl ?? "", { method: "POST", redirect: "manual", body: "outcome=succeeded" });
    return (await scene.call("awaitPayment", { paymentIntentId })).body.status;
  }

  it("is in the answer of a payment, the same for everybody who asks for it again, and its page works", async () => {
    const first = await expectWorkingPage({ ...card(newOrder(), "pm_card_threeDSecure2Required"), returnUrl });
    expect(await passAuthentication(first)).toBe("succeeded");
  });

  it("is in the answer of a payment with a reference, whatever key asks for it, until the payment has succeeded", async () => {
    const request = { ...card(newOrder(), "pm_card_threeDSecure2Required"), returnUrl, reference: newOrder() };
    const first = await expectWorkingPage(request);
    expect((await scene.call("processPayment", request)).body.nextAction).toEqual(first.body.nextAction);
    expect(await passAuthentication(first)).toBe("succeeded");
    const { status, nextAction } = (await scene.call("processPayment", request)).body;
    expect([status, nextAction]).toEqual(["succeeded", undefined]);
  });

  it("is in the answer of a set-up", async () => {
    const { id: customerId } = await scene.stripe.customers.create();
    const paymentMethodId = "pm_card_authenticationRequiredOnSetup";
    const { body } = await scene.call("setupPaymentMethod", { customerId, paymentMethodId, returnUrl });
    const { client_secret: secret } = await scene.stripe.setupIntents.retrieve(String(body["setupIntentId"]));
    expect(body.nextAction?.redirectUrl).toContain(`setup_intent_client_secret=${secret}`);
  });

  it("is nowhere in the engine but in those answers", async () => {
    const reference = newOrder();
    const { body } = await pay({ reference });
    await pay();
    await scene.call("getPayment", { reference });
    const { id: customerId } = await scene.stripe.customers.create();
    const paymentMethodId = "pm_card_authenticationRequiredOnSetup";
    await scene.call("setupPaymentMethod", { customerId, paymentMethodId, returnUrl });
    await scene.stripe.paymentIntents.cancel(body.paymentIntentId ?? "");
    await scene.quiet();

    // The search sees what is there: the answers, and only those.
    const answers = await scene.sql<{ raw?: string }>(answersToCustomers);
    expect(answers.filter(({ raw = "" }) => raw.includes(hexMark)).length).toBeGreaterThanOrEqual(3);
    for (const query of [entriesWithoutPages, "select * from sys_invocation", "select * from state"]) {
      const rows = (await scene.sql<object>(query)).map((row) => JSON.stringify(row));
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.filter((row) => row.includes(hexMark) || row.includes(clientSecretMark))).toEqual([]);
    }
  });

  it("is not given for a payment that is over before the answer comes", async () => {
    const order = newOrder();
    const path = "/v1/payment_intents/*";
    // Stripe fails to read what the answer needs, until the payment is cancelled.
    await scene.fault({ target: "api", effect: "error_500", method: "GET", path, count: 0 });
    const answer = pay({ metadata: { orderId: order } });
    const { id } = await scene.paymentOf(order);
    await scene.stripe.paymentIntents.cancel(id);
    await scene.clearFaults();
    expect(await answer).toMatchObject({
      status: 409,
      body: { metadata: { reason: "canceled", paymentIntentId: id } },
    });
  });
});
