/** The control API's orders that no other test gives: disputes on demand, and faults that are taken back one by one. */
import { describe, expect, it } from "vitest";
import { idOf } from "../../../src/sandbox/world/storedObjects.ts";
import { cardPayment, control, debitPayment, eventTypes, untilStatus, withSandbox } from "../surroundings.ts";

describe("a dispute on demand", () => {
  it("is opened for a Charge with the reason given, and takes its money", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const { latest_charge: charge } = await stripe.paymentIntents.create(cardPayment());
      const { status, body } = await control(sandbox, "POST", "/dispute", { id: charge, reason: "duplicate" });
      expect(status).toBe(200);
      expect(body).toMatchObject({
        object: "dispute",
        charge,
        reason: "duplicate",
        status: "needs_response",
        amount: 1099,
      });
      expect((await stripe.disputes.list()).data).toMatchObject([{ reason: "duplicate" }]);
      expect((await stripe.charges.retrieve(idOf(charge) ?? "")).disputed).toBe(true);
    });
  });

  it("is lost as it is opened when the payment was a bank debit", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const { id } = await stripe.paymentIntents.create(debitPayment());
      await untilStatus(stripe, id, "succeeded");
      const { body } = await control(sandbox, "POST", "/dispute", { id });
      expect(body).toMatchObject({ status: "lost", reason: "debit_not_authorized", payment_intent: id });
      expect(await eventTypes(stripe)).toContain("charge.dispute.closed");
    });
  });

  it.each([
    ["there is no such object", 404, () => ({ id: "pi_missing" })],
    ["the payment is declined", 409, (declined: string) => ({ id: declined })],
    ["the reason is none of Stripe's", 400, (declined: string) => ({ id: declined, reason: "boredom" })],
  ])("is refused when %s", async (_why, status, order) => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const { id } = await stripe.paymentIntents.create({ amount: 1099, currency: "usd" });
      expect((await control(sandbox, "POST", "/dispute", order(id))).status).toBe(status);
      expect((await stripe.disputes.list()).data).toEqual([]);
    });
  });
});

describe("a fault", () => {
  it("is taken back by its id, and only once", async () => {
    await withSandbox(async ({ sandbox }) => {
      const orders = [
        { target: "webhook", effect: "lose" },
        { target: "api", effect: "stall" },
      ];
      const [lose, stall] = (await control(sandbox, "POST", "/faults", orders)).body as { id: string }[];
      expect(await control(sandbox, "DELETE", `/faults/${lose?.id}`)).toMatchObject({
        status: 200,
        body: [{ id: stall?.id }],
      });
      expect((await control(sandbox, "DELETE", `/faults/${lose?.id}`)).status).toBe(404);
    });
  });
});
