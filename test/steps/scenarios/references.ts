/** Payments by the merchant's own reference: charged at most once, whoever asks however often. */
import { expect } from "vitest";
import { bankDebit, card } from "../../scene/scene.ts";
import { closed, expectCanceled, forgetful, paidOnce, type Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

const cardFor = (stage: Stage, method?: string) => ({ ...card(stage.order, method), reference: stage.order });
const debitFor = (stage: Stage, method?: string) => ({ ...bankDebit(stage.order, method), reference: stage.order });

export const references: readonly Scenario[] = [
  {
    name: "a reference is charged once, and asked for again",
    async play(stage) {
      const first = await stage.call("processPayment", cardFor(stage));
      const again = await stage.call("processPayment", cardFor(stage));
      return async () => {
        expect(first).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect(again).toEqual(first);
        expect(await stage.ledger()).toEqual(paidOnce());
        expect(stage.told(first.body.paymentIntentId ?? "")).toEqual(["payment.succeeded"]);
      };
    },
  },
  {
    name: "the payment of a reference waits, and is found by it",
    async play(stage) {
      const call = stage.call("processPayment", debitFor(stage));
      const { id } = await stage.payment();
      // Before it is recorded, whoever asks for it asks again, who knows how often.
      await stage.until("the payment to be recorded", async () =>
        (await stage.entryOf("paymentReference", `platform:${stage.order}`, "record")).includes(id) ? true : undefined,
      );
      const read = await stage.call("getPayment", { reference: stage.order });
      const joined = stage.call("processPayment", debitFor(stage));
      await stage.settle(id);
      await stage.deliver("payment_intent.succeeded", id);
      const answers = await Promise.all([call, joined]);
      return async () => {
        expect(read).toMatchObject({ status: 200, body: { paymentIntentId: id } });
        for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect(await stage.ledger()).toEqual(paidOnce(4000));
      };
    },
  },
  {
    name: "a reference is declined, and then paid by other means",
    async play(stage) {
      const declined = await stage.call("processPayment", cardFor(stage, "pm_card_visa_chargeDeclined"));
      const again = await stage.call("processPayment", cardFor(stage, "pm_card_visa_chargeDeclined"));
      const paid = await stage.call("processPayment", cardFor(stage));
      return async () => {
        expect(declined.status).toBe(402);
        expect(again).toEqual(declined);
        expect(paid).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect((await stage.payments()).map(({ status }) => status).toSorted()).toEqual([
          "requires_payment_method",
          "succeeded",
        ]);
      };
    },
  },
  {
    name: "a reference can't be paid by other means while the last attempt could still succeed",
    async play(stage) {
      const timedOut = await stage.call("processPayment", { ...debitFor(stage), timeoutSeconds: 12 });
      const id = timedOut.body.metadata?.["paymentIntentId"] ?? "";
      await stage.hung(1, () => stage.payment());
      const early = await stage.call("processPayment", { ...debitFor(stage), paymentMethodId: "pm_card_visa" });
      await stage.settle(id, "failed");
      await stage.deliver("payment_intent.payment_failed", id);
      await stage.until("the watcher to close it", async () =>
        (await stage.stripe.paymentIntents.retrieve(id)).status === "canceled" ? true : undefined,
      );
      const paid = await stage.call("processPayment", { ...debitFor(stage), paymentMethodId: "pm_card_visa" });
      return async () => {
        expect(timedOut).toMatchObject({ status: 408, body: { metadata: { compensation: "watching" } } });
        expect(early).toMatchObject({ status: 409, body: { metadata: { reason: "conflict" } } });
        expect(paid).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect((await stage.payments()).map(({ status }) => status).toSorted()).toEqual(["canceled", "succeeded"]);
      };
    },
  },
  {
    name: "the customer of a reference acts, and it is asked for again",
    async play(stage) {
      const request = { ...cardFor(stage, "pm_card_threeDSecure2Required"), returnUrl: "https://shop.example/back" };
      const asked = await stage.call("processPayment", request);
      const id = asked.body.paymentIntentId ?? "";
      await stage.hung(1, () => stage.payment());
      await stage.authorize(id, "succeeded");
      await stage.deliver("payment_intent.succeeded", id);
      const paid = await stage.call("processPayment", request);
      return async () => {
        expect(asked).toMatchObject({ status: 200, body: { status: "requires_action" } });
        expect(paid).toMatchObject({ status: 200, body: { status: "succeeded", paymentIntentId: id } });
        expect(await stage.ledger()).toEqual(paidOnce());
      };
    },
  },
  {
    name: "the call of a reference is cancelled",
    async play(stage) {
      const slow = debitFor(stage, "pm_usBankAccount_processing");
      const call = stage.call("processPayment", slow, `${stage.order}-call`);
      await stage.payment();
      await stage.cancel(await stage.invocationOf(`${stage.order}-call`));
      const answer = await call;
      return async () => {
        expectCanceled(stage, answer);
        expect(await stage.ledger()).toEqual(closed);
      };
    },
  },
  {
    name: "a reference is forgotten in time",
    profile: forgetful,
    async play(stage) {
      const first = await stage.call("processPayment", cardFor(stage));
      await stage.until("it to be forgotten", async () => {
        return (await stage.entriesOf(`platform:${stage.order}`, first.body.paymentIntentId ?? "")) === 0 || undefined;
      });
      return async () => {
        expect(first).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect(await stage.ledger()).toEqual(paidOnce());
        // The notifier's memory is as short: what an attempt that was killed is late with counts as told.
        expect([[], ["payment.succeeded"]]).toContainEqual(stage.told(first.body.paymentIntentId ?? ""));
      };
    },
  },
];
