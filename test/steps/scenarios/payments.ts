/** Payments, from the call to their end, and who looks after them when nobody waits. */
import { expect } from "vitest";
import { bankDebit, card } from "../../e2e/scene.ts";
import { paidOnce, type Scenario } from "../scenario.ts";

export const payments: readonly Scenario[] = [
  {
    name: "a card is charged at once",
    async play(stage) {
      const answer = await stage.call("processPayment", card(stage.order));
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "response" } });
        expect(await stage.ledger()).toEqual(paidOnce());
        expect(stage.told(answer.body.paymentIntentId ?? "")).toEqual(["payment.succeeded"]);
      };
    },
  },
  {
    name: "a bank debit succeeds later, and a webhook says so",
    async play(stage) {
      const call = stage.call("processPayment", bankDebit(stage.order));
      const { id } = await stage.payment();
      await stage.settle(id);
      await stage.deliver("payment_intent.succeeded", id);
      const answer = await call;
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { paymentIntentId: id, status: "succeeded", settledBy: "webhook" } });
        expect(await stage.ledger()).toEqual(paidOnce(4000));
        expect(stage.told(id)).toEqual(["payment.succeeded"]);
      };
    },
  },
];
