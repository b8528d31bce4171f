/** When a reference may be attempted again, what a refused attempt leaves, and when a reference is forgotten. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { restate } from "../scene/restateCli.ts";
import { bankDebit, card, modes, newOrder, openScene, until, type Answer, type Scene } from "../scene/scene.ts";
import type { Retelling } from "../scene/relay.ts";

const conflict = { status: 409, body: { metadata: { reason: "conflict" } } };
const paid = { status: 200, body: { status: "succeeded" } };
const returnUrl = "https://shop.example/back";

function cardFor(reference: string, paymentMethodId?: string) {
  return { ...card(reference, paymentMethodId), reference };
}

function debitFor(reference: string) {
  return { ...bankDebit(reference), reference };
}

/** The same purchase by other means. */
function cardInstead(reference: string) {
  return { ...debitFor(reference), paymentMethodId: "pm_card_visa" };
}

describe.each(modes)("attempts for a reference, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  const retell: Retelling = { with: (_request, told) => told };
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs, retell);
  });
  afterAll(async () => {
    await scene.close();
  });
  afterEach(async () => {
    retell.with = (_request, told) => told;
    await scene.clearFaults();
  });

  const timersOf = async (reference: string) =>
    (
      await scene.sql<{ n: number }>(
        `select count(1) as n from sys_invocation where target_service_name = 'paymentReference' and target_handler_name = 'forget' and target_service_key = 'platform:${reference}' and status <> 'completed'`,
      )
    )[0]?.n;

  /** Stripe's sandbox has no card for most decline codes. */
  function declineWith(codes: Readonly<Record<string, string | undefined>>): void {
    retell.with = (_request, { status, body }) => {
      const error = body["error"] as { payment_intent?: { last_payment_error: object } } | undefined;
      if (status !== 402 || error?.payment_intent === undefined) return { status, body };
      const last_payment_error = { ...error.payment_intent.last_payment_error, ...codes };
      const payment_intent = { ...error.payment_intent, last_payment_error };
      return { status, body: { ...body, error: { ...error, ...codes, payment_intent } } };
    };
  }

  const pay = (request: object, key?: string) => scene.call("processPayment", request, key);
  /** Asks until the last attempt is closed: its watcher has its own time. */
  const payOnceClosed = (request: object) =>
    until("the last attempt to be closed", async () => {
      const answer: Answer = await pay(request);
      return answer.status === 409 ? undefined : answer;
    });

  describe("by other means", () => {
    it("may begin once all that the last one took was given back, and not before", async () => {
      const reference = newOrder();
      const givenUp = await pay({ ...debitFor(reference), timeoutSeconds: 1 });
      expect(givenUp).toMatchObject({ status: 408, body: { metadata: { compensation: "watching" } } });
      const id = givenUp.body.metadata?.["paymentIntentId"] ?? "";
      expect(await pay(cardInstead(reference))).toMatchObject(conflict);
      await scene.settle(id);
      const refund = await until("the refund", async () => {
        const { data } = await scene.stripe.refunds.list({ payment_intent: id });
        return data[0];
      });
      // A refund of a debit takes days, and may fail.
      expect(refund.status).toBe("pending");
      expect(await pay(cardInstead(reference))).toMatchObject(conflict);
      await scene.settle(refund.id);
      expect(await payOnceClosed(cardInstead(reference))).toMatchObject(paid);
      expect(await scene.paymentsOf(reference)).toHaveLength(2);
      expect(await pay(cardInstead(reference))).toMatchObject(paid);
      expect(await scene.paymentsOf(reference)).toHaveLength(2);
    });

    it("may begin after a customer who was sent away has let the time pass, and not before", async () => {
      const reference = newOrder();
      const away = { ...cardFor(reference, "pm_card_threeDSecure2Required"), returnUrl, timeoutSeconds: 3 };
      expect(await pay(away)).toMatchObject({ status: 200, body: { status: "requires_action" } });
      expect(await pay(cardFor(reference))).toMatchObject(conflict);
      expect(await payOnceClosed(cardFor(reference))).toMatchObject(paid);
    });

    it("may not begin where the customer has paid after all, also after a refund", async () => {
      const reference = newOrder();
      const away = { ...cardFor(reference, "pm_card_threeDSecure2Required"), returnUrl };
      const paymentIntentId = (await pay(away)).body.paymentIntentId ?? "";
      await scene.authorize(paymentIntentId, "succeeded");
      expect(await pay(cardFor(reference))).toMatchObject(conflict);
      expect(await scene.call("refundPayment", { paymentIntentId })).toMatchObject({ status: 200 });
      expect(await pay(cardFor(reference))).toMatchObject(conflict);
    });

    it("may begin after an authorization was released, and not before", async () => {
      const reference = newOrder();
      const held = { captureMethod: "manual" };
      const { body } = await pay({ ...cardFor(reference), ...held });
      const other = { ...cardFor(reference, "pm_card_mastercard"), ...held };
      expect(await pay(other)).toMatchObject(conflict);
      await scene.call("cancelPayment", { paymentIntentId: body.paymentIntentId });
      expect(await pay(other)).toMatchObject({ status: 200, body: { status: "requires_capture" } });
    });

    it("may begin after an operator killed the last one, as soon as its payment is closed at Stripe", async () => {
      const reference = newOrder();
      const call = pay({ ...debitFor(reference), paymentMethodId: "pm_usBankAccount_processing" });
      const { id, metadata } = await scene.waitingPaymentOf(reference);
      await restate(scene.admin, "invocation", "kill", "--yes", metadata["restate_invocation_id"] ?? "");
      await call;
      expect(await pay(cardInstead(reference))).toMatchObject(conflict);
      await scene.stripe.paymentIntents.cancel(id);
      expect(await pay(cardInstead(reference))).toMatchObject(paid);
    });
  });

  describe("that Stripe refuses before it makes anything", () => {
    it("leaves all that was known: the purchase, the decline and its PaymentIntent", async () => {
      const reference = newOrder();
      const lost = cardFor(reference, "pm_card_visa_chargeDeclinedLostCard");
      const declined = await pay(lost);
      const mistyped = cardFor(reference, "pm_mistyped");
      for (let times = 0; times < 2; times++) {
        expect(await pay(mistyped)).toMatchObject({
          status: 400,
          body: { metadata: { reason: "invalid_request" } },
        });
      }
      expect(await pay({ ...cardFor(reference), amount: 110 })).toMatchObject(conflict);
      expect(await pay({ ...mistyped, currency: "eur" })).toMatchObject(conflict);
      expect(await pay(lost)).toEqual(declined);
      expect(await scene.call("getPayment", { reference })).toMatchObject({
        status: 200,
        body: { paymentIntentId: declined.body.metadata?.["paymentIntentId"], failure: { declineCode: "lost_card" } },
      });
      expect(await scene.paymentsOf(reference)).toHaveLength(1);
      expect(await pay(cardFor(reference))).toMatchObject(paid);
      expect(await pay(mistyped)).toMatchObject(conflict);
    });

    it("leaves nothing where nothing was known", async () => {
      const reference = newOrder();
      expect(await pay(cardFor(reference, "pm_mistyped"))).toMatchObject({ status: 400 });
      expect(await scene.call("getPayment", { reference })).toMatchObject({ status: 404 });
      expect(await pay({ ...cardFor(reference), amount: 110 })).toMatchObject(paid);
    });
  });

  describe("by the same means", () => {
    it.each([
      ["issuer_not_available", undefined],
      ["try_again_later", undefined],
      ["reenter_transaction", undefined],
      ["approve_with_id", undefined],
      ["insufficient_funds", "try_again_later"],
    ])(
      "may begin after %s with the advice %s, once for each call that asks again",
      async (decline_code, advice_code) => {
        declineWith({ decline_code, advice_code });
        const reference = newOrder();
        const request = cardFor(reference, "pm_card_visa_chargeDeclined");
        const key = newOrder();
        const declined = await pay(request, key);
        expect(declined).toMatchObject({ status: 402, body: { metadata: { declineCode: decline_code } } });
        expect(await pay(request, key)).toEqual(declined);
        expect(await scene.paymentsOf(reference)).toHaveLength(1);
        const again = await pay(request);
        expect(again.status).toBe(402);
        expect(again.body.metadata?.["paymentIntentId"]).not.toBe(declined.body.metadata?.["paymentIntentId"]);
        expect(await scene.paymentsOf(reference)).toHaveLength(2);
        expect(await pay({ ...request, amount: 110 })).toMatchObject(conflict);
      },
    );

    it.each([
      ["lost_card", undefined],
      ["insufficient_funds", undefined],
      ["insufficient_funds", "do_not_try_again"],
      ["issuer_not_available", "do_not_try_again"],
      ["generic_decline", "try_again_later"],
    ])("may not begin after %s with the advice %s", async (decline_code, advice_code) => {
      declineWith({ decline_code, advice_code });
      const reference = newOrder();
      const request = cardFor(reference, "pm_card_visa_chargeDeclined");
      const declined = await pay(request);
      expect(await pay(request)).toEqual(declined);
      expect(await scene.paymentsOf(reference)).toHaveLength(1);
    });

    it("may begin after a processing error, and succeed", async () => {
      const reference = newOrder();
      const { id: customer } = await scene.stripe.customers.create({ email: "jenny@example.com" });
      const saved = await scene.stripe.paymentMethods.attach("pm_card_visa", { customer });
      const request = { ...cardFor(reference, saved.id), customerId: customer };
      // The bank's computer is out of order when it is asked first.
      retell.with = (asked, told) => {
        if (asked.method !== "POST" || asked.path !== "/v1/payment_intents") return told;
        const last_payment_error = {
          type: "card_error",
          code: "processing_error",
          message: "Try again in a little bit.",
        };
        const payment_intent = { ...told.body, status: "requires_payment_method", last_payment_error };
        return { status: 402, body: { error: { ...last_payment_error, payment_intent } } };
      };
      const declined = await pay({ ...request, captureMethod: "manual" });
      expect(declined).toMatchObject({ status: 402, body: { metadata: { stripeCode: "processing_error" } } });
      retell.with = (_request, told) => told;
      expect(await pay({ ...request, captureMethod: "manual" })).toMatchObject({
        status: 200,
        body: { status: "requires_capture" },
      });
    });

    it("is one, where several ask again at once", async () => {
      const reference = newOrder();
      const request = cardFor(reference, "pm_card_chargeDeclinedProcessingError");
      await pay(request);
      await scene.fault({ target: "api", effect: "stall", method: "POST", path: "/v1/payment_intents", delayMs: 2000 });
      const answers = await Promise.all([1, 2, 3].map(() => pay(request)));
      expect(answers.map(({ status }) => status)).toEqual([402, 402, 402]);
      expect(await scene.paymentsOf(reference)).toHaveLength(2);
    });

    it("is none, where the others have joined the one under way", async () => {
      const reference = newOrder();
      const request = cardFor(reference, "pm_card_chargeDeclinedProcessingError");
      await scene.fault({ target: "api", effect: "stall", method: "POST", path: "/v1/payment_intents", delayMs: 2000 });
      const [first, ...others] = await Promise.all([1, 2, 3].map(() => pay(request)));
      for (const other of others) expect(other).toEqual(first);
      expect(await scene.paymentsOf(reference)).toHaveLength(1);
    });
  });

  describe("forgotten in time", () => {
    afterEach(async () => {
      await scene.restartService();
    });

    it("have one timer, however often the reference is asked for", async () => {
      await scene.restartService({ referenceRetentionMs: 3_600_000 });
      const reference = newOrder();
      const request = { ...cardFor(reference), captureMethod: "manual" };
      for (let times = 0; times < 4; times++) {
        expect(await pay(request)).toMatchObject({ status: 200, body: { status: "requires_capture" } });
      }
      await scene.call("getPayment", { reference });
      await pay({ ...request, paymentMethodId: "pm_card_mastercard" });
      await until("one timer", async () => ((await timersOf(reference)) === 1 ? true : undefined));
      const refused = newOrder();
      for (let times = 0; times < 3; times++) await pay(cardFor(refused, "pm_mistyped"));
      await until("one timer", async () => ((await timersOf(refused)) === 1 ? true : undefined));
    });

    it("are, although it is asked for more often than the retention is long", async () => {
      await scene.restartService({ referenceRetentionMs: 1000 });
      const reference = newOrder();
      const request = { ...cardFor(reference), captureMethod: "manual" };
      const { body } = await pay(request);
      await scene.call("capturePayment", { paymentIntentId: body.paymentIntentId });
      // A new PaymentIntent shows that the first one was forgotten.
      await until("it to be forgotten", async () =>
        (await pay(request)).body.paymentIntentId === body.paymentIntentId ? undefined : true,
      );
    });

    it("are once Stripe shows the end that another call brought about, and not while it can still be paid", async () => {
      await scene.restartService({ referenceRetentionMs: 300 });
      const reference = newOrder();
      const { body } = await pay({ ...cardFor(reference), captureMethod: "manual" });
      const timer = async () => {
        const rows = await scene.sql<{ value: string }>(
          `select value_utf8 as value from state where service_name = 'paymentReference' and service_key = 'platform:${reference}' and key = 'timer'`,
        );
        return rows[0]?.value;
      };
      for (let rounds = 0, last = await timer(); rounds < 3; rounds++) {
        const before = last;
        last = await until("the timer to be set again", async () => {
          const now = await timer();
          return now === before ? undefined : now;
        });
      }
      expect(await scene.call("getPayment", { reference })).toMatchObject({
        status: 200,
        body: { status: "requires_capture" },
      });
      await scene.call("capturePayment", { paymentIntentId: body.paymentIntentId });
      await until("it to be forgotten", async () =>
        (await scene.call("getPayment", { reference })).status === 404 ? true : undefined,
      );
      expect(await timersOf(reference)).toBe(0);
      const left = await scene.sql<{ n: number }>(
        `select count(1) as n from state where service_key = 'platform:${reference}'`,
      );
      expect(left).toEqual([{ n: 0 }]);
    });

    it("are after an operator killed one, and nobody asked again", async () => {
      await scene.restartService({ referenceRetentionMs: 500 });
      const reference = newOrder();
      const call = pay({ ...debitFor(reference), paymentMethodId: "pm_usBankAccount_processing" });
      const { id, metadata } = await scene.waitingPaymentOf(reference);
      await restate(scene.admin, "invocation", "kill", "--yes", metadata["restate_invocation_id"] ?? "");
      await call;
      await scene.stripe.paymentIntents.cancel(id);
      await until("it to be forgotten", async () =>
        (await scene.call("getPayment", { reference })).status === 404 ? true : undefined,
      );
    });
  });
});
