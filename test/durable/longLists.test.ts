/**
 * Lists of an account may be of any length, and Stripe may fail in the middle of one. Each page is a step of its own: what was
 * listed is not listed again, and no step lasts so long that the engine begins it anew.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { card, modes, newOrder, openScene, until, type Scene } from "../scene/scene.ts";
import type { Retelling } from "../scene/relay.ts";

/** A page has a hundred. */
const many = Array.from({ length: 205 }, (_, index) => index);

describe.each(modes)("a list of several pages, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  /** The pages that the service asked for: what each began after, and whether Stripe gave it. */
  let pages: { readonly after: string | null; readonly isGiven: boolean }[];
  let path = "";
  const retelling: Retelling = {
    with({ method, path: url }, told) {
      const asked = new URL(url, "http://stripe.example");
      if (method !== "GET" || asked.pathname !== path) return told;
      const after = asked.searchParams.get("starting_after");
      // Two outages in the middle of the list.
      const isGiven = after === null || pages.filter(({ isGiven: given }) => !given).length >= 2;
      pages.push({ after, isGiven });
      return isGiven ? told : { status: 500, body: { error: { type: "api_error", message: "Try again." } } };
    },
  };
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs, retelling);
  });
  afterAll(async () => {
    await scene.close();
  });
  beforeEach(() => {
    pages = [];
  });

  /** The request is done at Stripe, and its answer says never that it is. */
  async function loseTheAnswer(of: string): Promise<void> {
    path = of;
    await scene.fault({ target: "api", effect: "error_500_saved_after", method: "POST", path: of });
  }

  function expectEachPageOnce(): void {
    const given = pages.filter(({ isGiven }) => isGiven).map(({ after }) => after);
    expect(given.length).toBeGreaterThanOrEqual(3);
    expect(given[0]).toBeNull();
    expect(new Set(given).size).toBe(given.length);
    expect(pages.length).toBe(given.length + 2);
  }

  it("is gone through to the end for a SetupIntent", async () => {
    const customer = (await scene.stripe.customers.create({ email: "setups@shop.example" })).id;
    await each(() => scene.stripe.setupIntents.create({ customer }));
    await loseTheAnswer("/v1/setup_intents");
    const request = { customerId: customer, paymentMethodId: "pm_card_visa" };
    expect(await scene.call("setupPaymentMethod", request)).toMatchObject({ status: 200, body: { settledBy: "poll" } });
    expectEachPageOnce();
  });

  it("is gone through to the end for a Customer", async () => {
    const email = "customers@shop.example";
    await each(() => scene.stripe.customers.create({ email }));
    await loseTheAnswer("/v1/customers");
    const { status, body } = await scene.call("createCustomer", { email });
    expect({ status, customerId: body["customerId"] }).toEqual({ status: 200, customerId: expect.any(String) });
    expectEachPageOnce();
  });

  it("is gone through to the end for a refund", async () => {
    const { body } = await scene.call("processPayment", { ...card(newOrder()), amount: 1000 });
    const paymentIntentId = String(body.paymentIntentId);
    await each(() => scene.stripe.refunds.create({ payment_intent: paymentIntentId, amount: 1 }));
    await loseTheAnswer("/v1/refunds");
    expect(await scene.call("refundPayment", { paymentIntentId, amount: 9 })).toMatchObject({
      status: 200,
      body: { amount: 9, settledBy: "poll" },
    });
    expectEachPageOnce();
  });

  it("is gone through to the end for the connected accounts of a reconciliation", { timeout: 180_000 }, async () => {
    await each(() => scene.stripe.accounts.create({ type: "standard" }));
    path = "/v1/accounts";
    await scene.restartService({ reconcileIntervalMs: 3_600_000 });
    await scene.call("processPayment", card(newOrder()));
    // They are spread over the interval, a few per second: those that are still to come have their time.
    const haveAllTheirTime = async () => {
      const [done] = await scene.sql<{ n: number }>(
        "select count(1) as n from state where service_name = 'webhookReconciler' and service_key <> 'platform' and key = 'last'",
      );
      const [toCome] = await scene.sql<{ n: number }>(
        "select count(1) as n from sys_invocation where target_handler_name = 'reconcile' and target_service_key <> 'platform' and status <> 'completed'",
      );
      const hasAll = (done?.n ?? 0) > 0 && (done?.n ?? 0) + (toCome?.n ?? 0) >= many.length;
      const hasAllPages = pages.filter(({ isGiven }) => isGiven).length > many.length / 100;
      return hasAll && hasAllPages ? true : undefined;
    };
    // A busy machine reconciles them no faster than it can.
    await until("every account to be reconciled, or to have its time", haveAllTheirTime, 120_000);
    expectEachPageOnce();
  });
});

/** Makes all that the list shows beside what is looked for. */
async function each(make: (index: number) => Promise<unknown>): Promise<void> {
  const left = [...many];
  const worker = async () => {
    for (let index = left.pop(); index !== undefined; index = left.pop()) await make(index);
  };
  await Promise.all(Array.from({ length: 10 }, worker));
}
