/** Refunds at a Stripe that refuses, answers what nobody knows yet, or lists what is no refund of captured money. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Retelling } from "../scene/relay.ts";
import { bankDebit, card, modes, newOrder, openScene, until, type Scene } from "../scene/scene.ts";

/** Stripe reports a status of refunds that this version doesn't know. */
const teleported: NonNullable<Retelling["with"]> = ({ path }, told) => {
  if (!path.startsWith("/v1/refunds")) return told;
  const { data } = told.body;
  const body = Array.isArray(data)
    ? { ...told.body, data: data.map((refund: object) => ({ ...refund, status: "teleported" })) }
    : { ...told.body, status: "teleported" };
  return { ...told, body };
};

describe.each(modes)("a refund, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  let watches = 0;
  const retelling: Retelling = { with: (_request, told) => told };
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs, retelling);
  });
  afterAll(async () => {
    await scene.close();
  });
  afterEach(async () => {
    retelling.with = (_request, told) => told;
    await scene.clearFaults();
  });

  async function pay(more: object = {}): Promise<string> {
    const paid = await scene.call("processPayment", { ...card(newOrder()), amount: 1000, ...more });
    expect(paid.status).toBe(200);
    return paid.body.paymentIntentId ?? "";
  }

  /** A payment whose caller was told that it is over, and which the bank has paid since: the watcher refunds it. */
  async function succeedAfterAll(): Promise<string> {
    watches++;
    const { body } = await scene.call("processPayment", { ...bankDebit(newOrder()), timeoutSeconds: 1 });
    expect(body.metadata).toMatchObject({ compensation: "watching" });
    const paymentIntentId = body.metadata?.["paymentIntentId"] ?? "";
    await scene.settle(paymentIntentId);
    return paymentIntentId;
  }

  /** How the latest watch ended. */
  async function endOfWatch(): Promise<string> {
    return await until("the watch to end", async () => {
      const ended = await scene.sql<{ completion_result: string; completion_failure: string | null }>(
        "select completion_result, completion_failure from sys_invocation where target_service_name = 'paymentWatcher' and status = 'completed' order by created_at desc",
      );
      if (ended.length < watches) return undefined;
      return `${ended[0]?.completion_result} ${ended[0]?.completion_failure ?? ""}`.trim();
    });
  }

  async function refundsOf(payment_intent: string) {
    return (await scene.stripe.refunds.list({ payment_intent })).data;
  }

  describe("that Stripe refuses", () => {
    it("is no success where an older program's capture lists the released rest as a refund", async () => {
      const paymentIntentId = await pay({ captureMethod: "manual" });
      await scene.stripe.paymentIntents.capture(
        paymentIntentId,
        { amount_to_capture: 500 },
        { apiVersion: "2024-06-20" },
      );
      expect(await refundsOf(paymentIntentId)).toMatchObject([{ amount: 500, status: "succeeded" }]);
      await scene.fault({ target: "api", effect: "error_400", method: "POST", path: "/v1/refunds" });
      expect(await scene.call("refundPayment", { paymentIntentId })).toMatchObject({
        status: 400,
        body: { metadata: { reason: "invalid_request", paymentIntentId } },
      });
      const refunded = await scene.call("refundPayment", { paymentIntentId, amount: 200 });
      expect(refunded).toMatchObject({ status: 200, body: { amount: 200 } });
      const rest = await scene.call("refundPayment", { paymentIntentId });
      expect(rest).toMatchObject({ status: 200, body: { amount: 300, settledBy: "response" } });
      // It was done before: the answer is the refund that did it, and never the released rest.
      expect(await scene.call("refundPayment", { paymentIntentId })).toMatchObject({
        status: 200,
        body: { amount: 300, settledBy: "poll" },
      });
      expect(await scene.call("refundPayment", { paymentIntentId, amount: 1 })).toMatchObject({
        status: 409,
        body: { message: expect.stringContaining("Only 0 of 500") as string, metadata: { reason: "conflict" } },
      });
    });
  });

  describe("for which the balance is too low", () => {
    const lowBalance = { target: "api", effect: "balance_insufficient", method: "POST", path: "/v1/refunds" };

    it.each(["refundPayment", "cancelPayment"])(
      "is a conflict of its own for %s, and asked for anew under the same key",
      async (handler) => {
        const paymentIntentId = await pay();
        const more = handler === "cancelPayment" ? { refundIfSucceeded: true } : {};
        const key = newOrder();
        const ask = async () => await scene.call(handler, { paymentIntentId, ...more }, key);
        await scene.fault({ ...lowBalance, count: 2 });
        const refused = {
          status: 409,
          body: {
            metadata: { reason: "balance_insufficient", stripeCode: "balance_insufficient", paymentIntentId },
          },
        };
        expect(await ask()).toMatchObject(refused);
        expect(await ask()).toMatchObject(refused);
        const refunded = await ask();
        expect(refunded).toMatchObject({ status: 200, body: { status: "succeeded", amount: 1000 } });
        // What was made is kept under the key.
        expect(await ask()).toEqual(refunded);
        expect(await refundsOf(paymentIntentId)).toHaveLength(1);
      },
    );

    it("is one refund for all who ask for it at once under one key", async () => {
      const paymentIntentId = await pay();
      const key = newOrder();
      await scene.fault(lowBalance);
      const request = { paymentIntentId, amount: 300 };
      expect(await scene.call("refundPayment", request, key)).toMatchObject({ status: 409 });
      const answers = await Promise.all([1, 2, 3, 4].map(() => scene.call("refundPayment", request, key)));
      expect(new Set(answers.map(({ body }) => body["refundId"])).size).toBe(1);
      expect(await refundsOf(paymentIntentId)).toHaveLength(1);
    });
  });

  describe("of a payment that succeeded after it was given up", () => {
    it("is done when the tenth attempt succeeds", async () => {
      await scene.restartService({ pollScheduleMs: [50] });
      await scene.fault({ target: "api", effect: "error_400", method: "POST", path: "/v1/refunds", count: 9 });
      const paymentIntentId = await succeedAfterAll();
      const refund = await until("the refund", async () => (await refundsOf(paymentIntentId))[0]);
      await scene.settle(refund.id);
      expect(await endOfWatch()).toBe("success");
      await scene.restartService();
    });

    it("is left to a person after ten attempts that failed", async () => {
      await scene.restartService({ pollScheduleMs: [50] });
      await scene.fault({ target: "api", effect: "error_400", method: "POST", path: "/v1/refunds", count: 0 });
      const paymentIntentId = await succeedAfterAll();
      expect(await endOfWatch()).toContain("10 attempts to refund it failed");
      expect(await refundsOf(paymentIntentId)).toEqual([]);
      await scene.restartService();
    });
  });

  describe("in a status that this version doesn't know", () => {
    it("is a person's to judge, at once", async () => {
      const paymentIntentId = await pay();
      retelling.with = teleported;
      const answer = await scene.call("refundPayment", { paymentIntentId });
      expect(answer).toMatchObject({
        status: 502,
        body: { message: expect.stringContaining("teleported") as string, metadata: { reason: "needs_review" } },
      });
      const refundId = answer.body.metadata?.["refundId"];
      expect(refundId).toBe((await refundsOf(paymentIntentId))[0]?.id);
      expect(await scene.call("awaitRefund", { refundId })).toMatchObject({
        status: 502,
        body: { metadata: { reason: "needs_review", refundId } },
      });
    });

    it("ends the watch over a payment that was given up, at once", async () => {
      retelling.with = teleported;
      const paymentIntentId = await succeedAfterAll();
      expect(await endOfWatch()).toContain("teleported");
      expect(await refundsOf(paymentIntentId)).toHaveLength(1);
    });
  });

  it("that Stripe refuses to read is not found", async () => {
    const payment_intent = await pay();
    const { id: refundId } = await scene.stripe.refunds.create({ payment_intent });
    await scene.fault({ target: "api", effect: "error_400", method: "GET", path: `/v1/refunds/${refundId}` });
    expect(await scene.call("awaitRefund", { refundId })).toMatchObject({
      status: 404,
      body: { metadata: { reason: "not_found", refundId } },
    });
  });
});
