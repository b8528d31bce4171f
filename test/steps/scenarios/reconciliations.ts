/** Webhooks that never came: what they would have done is done by who looks for them. */
import { expect } from "vitest";
import { bankDebit } from "../../scene/scene.ts";
import { paidOnce, type Scenario } from "../scenario.ts";

export const reconciliations: readonly Scenario[] = [
  {
    name: "an event that a connected account's endpoint never took rings who waits",
    async play(stage) {
      const { id: account } = await stage.stripe.accounts.create({ type: "standard" });
      await stage.onboard(account);
      const call = stage.call("processPayment", bankDebit(stage.order));
      const { id, metadata } = await stage.payment();
      const there = { stripeAccount: account };
      await stage.stripe.webhookEndpoints.create({ url: "http://127.0.0.1:9/none", enabled_events: ["*"] }, there);
      await stage.stripe.paymentIntents.create(
        {
          amount: 200,
          currency: "usd",
          payment_method: "pm_card_visa",
          confirm: true,
          automatic_payment_methods: { enabled: true, allow_redirects: "never" },
          // So that the look at it belongs to this trial, whatever the doorbell's address looks like.
          description: stage.order,
          metadata: { restate_callback_id: metadata["restate_callback_id"] ?? "" },
        },
        there,
      );
      const reconciled = await stage.reconcile(account);
      await stage.settle(id);
      await stage.deliver("payment_intent.succeeded", id);
      const answer = await call;
      return async () => {
        expect(reconciled).toMatchObject({ status: 200, body: { rung: 1, lookedAt: 1 } });
        expect(answer).toMatchObject({ status: 200, body: { paymentIntentId: id, status: "succeeded" } });
        expect(await stage.ledger()).toEqual(paidOnce(4000));
      };
    },
  },
];
