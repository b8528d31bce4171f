/** What an edge asks beside the calls: whether it is believed, and for a look at a payment of which it got an event. */
import { expect } from "vitest";
import { card } from "../../scene/scene.ts";
import { installationId } from "../origin.ts";
import { paidOnce, type Scenario } from "../scenario.ts";

export const edgeScenarios: readonly Scenario[] = [
  {
    name: "an edge asks what it needs to know",
    async play(stage) {
      const { status, body } = await stage.callAsEdge("check");
      return () => {
        expect([status, body]).toEqual([200, { installationId, isEdgeTrusted: false, isMerchantTold: true }]);
      };
    },
  },
  {
    name: "an edge passes on that a payment was refunded elsewhere",
    async play(stage) {
      const paid = await stage.call("processPayment", card(stage.order));
      const paymentIntentId = paid.body.paymentIntentId ?? "";
      await stage.untilTold(paymentIntentId, "payment.succeeded");
      await stage.stripe.refunds.create({ payment_intent: paymentIntentId, amount: 9 });
      const taken = await stage.callAsEdge("takeNews", { paymentIntentId, changes: ["refunds"] });
      await stage.untilTold(paymentIntentId, "refund.succeeded");
      return async () => {
        expect([paid.status, taken.status]).toEqual([200, 200]);
        expect(stage.told(paymentIntentId)).toEqual(["payment.succeeded", "refund.succeeded"]);
        expect(await stage.ledger()).toEqual([{ ...paidOnce()[0], refunds: 1, refunded: 9 }]);
      };
    },
  },
];
