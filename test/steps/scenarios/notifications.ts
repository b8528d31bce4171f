/** How the merchant is told: past refusals, and until a notification is given up. */
import { expect } from "vitest";
import { card } from "../../scene/scene.ts";
import { impatient, paidOnce, type Scenario } from "../scenario.ts";

export const notifications: readonly Scenario[] = [
  {
    name: "the merchant's system takes a notification at the third attempt",
    async play(stage) {
      stage.refuseNotifications(2);
      const answer = await stage.call("processPayment", card(stage.order));
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect(stage.told(answer.body.paymentIntentId ?? "")).toEqual(["payment.succeeded"]);
        expect(await stage.ledger()).toEqual(paidOnce());
      };
    },
  },
  {
    name: "the merchant's system takes nothing, and the notification is given up",
    profile: impatient,
    async play(stage) {
      stage.refuseNotifications(Number.POSITIVE_INFINITY);
      const answer = await stage.call("processPayment", card(stage.order));
      const paymentIntentId = answer.body.paymentIntentId ?? "";
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect(await stage.ledger()).toEqual(paidOnce());
        // Given up, and known to the operator.
        expect(await stage.entryOf("paymentNotifier", paymentIntentId, "givenUp")).toContain("payment_succeeded");
      };
    },
  },
];
