/** Disputes: read, answered with evidence, accepted; and waited for until the bank has decided. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { restate } from "../scene/restateCli.ts";
import { card, eventAbout, modes, newOrder, openScene, until, untilHung, type Scene } from "../scene/scene.ts";
import { spawnService } from "../scene/serviceProcess.ts";

const words = { uncategorizedText: "The parcel arrived.", customerName: "Jenny Rosen" };

describe.each(modes)("disputes, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => {
    await scene.close();
  });
  beforeEach(async () => {
    await scene.clearFaults();
  });

  async function newDispute(method = "pm_card_createDispute"): Promise<string> {
    const { body } = await scene.call("processPayment", card(newOrder(), method));
    const { data } = await scene.stripe.disputes.list({ payment_intent: body.paymentIntentId ?? "" });
    return data[0]?.id ?? "none";
  }
  const read = (id: string) => scene.stripe.disputes.retrieve(id);
  const settle = (id: string, outcome: "succeeded" | "failed") => scene.settle(id, outcome);
  const updateFault = (id: string, effect: string, more: Record<string, string | number> = {}) =>
    scene.fault({ target: "api", effect, method: "POST", path: `/v1/disputes/${id}`, count: 1, ...more });

  describe("getDispute", () => {
    it("shows a dispute", async () => {
      const { body: payment } = await scene.call("processPayment", card(newOrder(), "pm_card_createDispute"));
      const { data } = await scene.stripe.disputes.list({ payment_intent: payment.paymentIntentId ?? "" });
      const disputeId = data[0]?.id;
      expect(await scene.call("getDispute", { disputeId })).toEqual({
        status: 200,
        body: {
          disputeId,
          status: "needs_response",
          reason: "fraudulent",
          amount: 109,
          currency: "usd",
          chargeId: payment["chargeId"],
          paymentIntentId: payment.paymentIntentId,
          isChargeRefundable: false,
          hasEvidence: false,
          submissionCount: 0,
          respondBy: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        },
      });
      // A read leaves nothing behind.
      expect((await read(disputeId ?? "")).metadata).toEqual({});
    });

    it("keeps nothing of a read, and the outcome of a wait", async () => {
      const disputeId = await newDispute();
      const [reading, waiting] = [newOrder(), newOrder()];
      const kept = async (service: string) =>
        (
          await scene.sql<{ n: number }>(
            `select count(1) as n from sys_invocation where target_service_name = '${service}' and target_handler_name = 'getDispute'`,
          )
        )[0]?.n ?? 0;
      const before = await kept("keptCalls");
      const ask = async () => await scene.call("getDispute", { disputeId }, reading);
      expect(await ask()).toMatchObject({ status: 200, body: { status: "needs_response" } });
      expect([await kept("payments"), await kept("keptCalls")]).toEqual([0, before]);
      const wait = async () => await scene.call("getDispute", { disputeId, awaitOutcome: true }, waiting);
      const call = wait();
      await untilHung(1, () => read(disputeId));
      await settle(disputeId, "succeeded");
      const outcome = await call;
      expect(outcome).toMatchObject({ status: 200, body: { status: "won" } });
      expect(await ask()).toMatchObject({ body: { status: "won" } });
      const path = `/v1/disputes/${disputeId}`;
      await scene.fault({ target: "api", effect: "error_400", method: "GET", path, count: 0 });
      expect(await wait()).toEqual(outcome);
      expect(await ask()).toMatchObject({ status: 404 });
      await scene.clearFaults();
      expect([await kept("payments"), await kept("keptCalls")]).toEqual([0, before + 1]);
    });

    it.each(["getDispute", "acceptDispute", "submitDisputeEvidence"])(
      "answers 404 when %s names nothing",
      async (handler) => {
        const disputeId = "du_missing";
        const more = handler === "submitDisputeEvidence" ? { evidence: words } : {};
        expect(await scene.call(handler, { disputeId, ...more })).toMatchObject({
          status: 404,
          body: { metadata: { reason: "not_found", disputeId } },
        });
      },
    );

    it("waits until the bank has decided, and then at once", async () => {
      const disputeId = await newDispute();
      const wait = scene.call("getDispute", { disputeId, awaitOutcome: true });
      await untilHung(1, () => read(disputeId));
      await settle(disputeId, "succeeded");
      expect(await wait).toMatchObject({ status: 200, body: { disputeId, status: "won" } });
      expect(await scene.call("getDispute", { disputeId, awaitOutcome: true })).toMatchObject({
        body: { status: "won" },
      });
    });
  });

  describe("submitDisputeEvidence", () => {
    it("stages evidence unless it is told to submit it, and submits what was staged", async () => {
      const disputeId = await newDispute();
      const staged = await scene.call("submitDisputeEvidence", { disputeId, evidence: words });
      expect(staged).toMatchObject({
        status: 200,
        body: { status: "needs_response", hasEvidence: true, submissionCount: 0 },
      });
      expect((await read(disputeId)).evidence).toMatchObject({
        uncategorized_text: words.uncategorizedText,
        customer_name: words.customerName,
      });
      expect(await scene.call("submitDisputeEvidence", { disputeId, evidence: {}, submit: true })).toMatchObject({
        status: 200,
        body: { status: "under_review", submissionCount: 1 },
      });
    });

    it("submits no silence: there has to be evidence, given or staged", async () => {
      const disputeId = await newDispute();
      expect(await scene.call("submitDisputeEvidence", { disputeId, evidence: {}, submit: true })).toMatchObject({
        status: 400,
        body: { metadata: { reason: "invalid_request", disputeId, param: "evidence" } },
      });
      expect(await scene.requests("POST", `/v1/disputes/${disputeId}`)).toEqual([]);
    });

    it.each<[string, object]>([
      ["the same", { uncategorizedText: "escalate_inquiry_evidence" }],
      ["what is there", {}],
    ])("answers an inquiry that is escalated, and then the dispute that it became with %s", async (_what, again) => {
      const disputeId = await newDispute("pm_card_createDisputeInquiry");
      const evidence = { uncategorizedText: "escalate_inquiry_evidence" };
      expect(await scene.call("submitDisputeEvidence", { disputeId, evidence, submit: true })).toMatchObject({
        status: 200,
        body: { status: "needs_response", submissionCount: 1 },
      });
      expect(await scene.call("submitDisputeEvidence", { disputeId, evidence: again, submit: true })).toMatchObject({
        status: 200,
        body: { status: "under_review", submissionCount: 2 },
      });
    });

    it("does not submit staged evidence by waiting or by being read", async () => {
      const disputeId = await newDispute();
      const request = { disputeId, evidence: words, awaitOutcome: true };
      const key = newOrder();
      const wait = scene.call("submitDisputeEvidence", request, key);
      await untilHung(1, () => read(disputeId));
      await scene.suspended(key);
      expect(await read(disputeId)).toMatchObject({
        status: "needs_response",
        evidence_details: { has_evidence: true, submission_count: 0 },
      });
      await settle(disputeId, "failed");
      expect(await wait).toMatchObject({ status: 200, body: { status: "lost" } });
      // The evidence, the doorbell, and the doorbell taken off: news of the doorbell itself did not ring it.
      expect(await scene.requests("POST", `/v1/disputes/${disputeId}`)).toHaveLength(3);
    });

    it.each([
      ["winning_evidence", "won"],
      ["losing_evidence", "lost"],
    ])("answers at once when the bank decides at once: %s", async (uncategorizedText, status) => {
      const disputeId = await newDispute();
      const request = { disputeId, evidence: { uncategorizedText }, submit: true, awaitOutcome: true };
      expect(await scene.call("submitDisputeEvidence", request)).toMatchObject({ status: 200, body: { status } });
    });

    it("waits for the bank, through news that decides nothing and webhooks that come twice", async () => {
      const disputeId = await newDispute();
      const wait = scene.call("submitDisputeEvidence", {
        disputeId,
        evidence: words,
        submit: true,
        awaitOutcome: true,
      });
      await untilHung(1, () => read(disputeId));
      // An update while it is reviewed, say of somebody's metadata, rings nobody.
      await scene.webhook(eventAbout("charge.dispute.updated", await read(disputeId)));
      await scene.webhook(eventAbout("charge.dispute.closed", await read(disputeId)));
      await scene.fault({ target: "webhook", effect: "double", count: 2 });
      await settle(disputeId, "succeeded");
      expect(await wait).toMatchObject({ status: 200, body: { status: "won", submissionCount: 1 } });
    });

    it("finds by polling what lost webhooks would have said", async () => {
      await scene.restartService({ pollScheduleMs: [200] });
      await scene.fault({ target: "webhook", effect: "lose", count: 0 });
      const disputeId = await newDispute();
      const wait = scene.call("submitDisputeEvidence", {
        disputeId,
        evidence: words,
        submit: true,
        awaitOutcome: true,
      });
      await untilHung(1, () => read(disputeId));
      await settle(disputeId, "failed");
      expect(await wait).toMatchObject({ status: 200, body: { status: "lost" } });
      await scene.restartService();
    });

    it("hears a decision that comes while the doorbell is being hung", async () => {
      const disputeId = await newDispute();
      await scene.call("submitDisputeEvidence", { disputeId, evidence: words, submit: true });
      await updateFault(disputeId, "stall", { delayMs: 700 });
      const wait = scene.call("getDispute", { disputeId, awaitOutcome: true });
      await untilHung(1, () => read(disputeId));
      await settle(disputeId, "succeeded");
      expect(await wait).toMatchObject({ status: 200, body: { status: "won" } });
    });

    it("takes for done what was done, also under another key", async () => {
      const disputeId = await newDispute();
      const request = { disputeId, evidence: words, submit: true };
      const first = await scene.call("submitDisputeEvidence", request, disputeId);
      expect(await scene.call("submitDisputeEvidence", request, disputeId)).toEqual(first);
      expect(await scene.call("submitDisputeEvidence", request)).toEqual(first);
      await settle(disputeId, "succeeded");
      expect(await scene.call("submitDisputeEvidence", request)).toMatchObject({
        status: 200,
        body: { status: "won" },
      });
      expect((await read(disputeId)).evidence_details.submission_count).toBe(1);
    });

    it.each(["under review", "closed"])(
      "answers conflict when the dispute is %s and holds something else",
      async (state) => {
        const disputeId = await newDispute();
        await scene.call("submitDisputeEvidence", { disputeId, evidence: words, submit: true });
        if (state === "closed") await settle(disputeId, "failed");
        const evidence = { uncategorizedText: "Something else." };
        expect(await scene.call("submitDisputeEvidence", { disputeId, evidence, submit: true })).toMatchObject({
          status: 409,
          body: { metadata: { reason: "conflict", disputeId } },
        });
      },
    );

    it("lists every field that the schema refuses", async () => {
      const request = { disputeId: "ch_1", evidence: { uncategorized_text: "x", customerName: 1 }, submitt: true };
      const { status, body } = await scene.call("submitDisputeEvidence", request);
      expect(status).toBe(400);
      for (const field of ["disputeId", "uncategorized_text", "customerName", "submitt"]) {
        expect(body.message).toContain(field);
      }
    });

    it.each([
      "error_500",
      "rate_limit",
      "html_502",
      "cut_before",
      "cut_after",
      "error_500_saved",
      "error_500_saved_after",
    ])("submits once in spite of %s", async (effect) => {
      const disputeId = await newDispute();
      await updateFault(disputeId, effect);
      expect(await scene.call("submitDisputeEvidence", { disputeId, evidence: words, submit: true })).toMatchObject({
        status: 200,
        body: { status: "under_review", submissionCount: 1 },
      });
    });

    it("submits once when the service is killed between Stripe's answer and its record", async () => {
      const disputeId = await newDispute();
      await scene.stopService();
      const victim = await spawnService({ port: scene.servicePort, apiBase: scene.sandboxUrl });
      await updateFault(disputeId, "stall", { delayMs: 3000 });
      const call = scene.call("submitDisputeEvidence", { disputeId, evidence: words, submit: true });
      await until("the evidence", async () => ((await read(disputeId)).status === "under_review" ? true : undefined));
      await victim.kill();
      await scene.startService();
      expect(await call).toMatchObject({ status: 200, body: { status: "under_review", submissionCount: 1 } });
      const keys = await scene.requests("POST", `/v1/disputes/${disputeId}`);
      expect(new Set(keys.map((request) => request.idempotencyKey)).size).toBe(1);
    });
  });

  describe("acceptDispute", () => {
    it.each([
      ["pm_card_createDispute", "lost"],
      ["pm_card_createDisputeInquiry", "warning_closed"],
    ])("accepts that of %s, once for every key", async (method, status) => {
      const disputeId = await newDispute(method);
      expect(await scene.call("acceptDispute", { disputeId, awaitOutcome: true })).toMatchObject({
        status: 200,
        body: { disputeId, status },
      });
      // What was accepted is accepted.
      expect(await scene.call("acceptDispute", { disputeId })).toMatchObject({ status: 200, body: { status } });
      expect(await scene.requests("POST", `/v1/disputes/${disputeId}/close`)).toHaveLength(1);
    });

    it.each([
      ["won", "succeeded"],
      ["lost by the bank's word", "failed"],
    ] as const)("answers conflict when it is %s", async (_state, outcome) => {
      const disputeId = await newDispute();
      await settle(disputeId, outcome);
      expect(await scene.call("acceptDispute", { disputeId })).toMatchObject({
        status: 409,
        body: { metadata: { reason: "conflict", disputeId } },
      });
    });

    it("answers conflict when the bank looks at the evidence, and for a debit that was lost as it was opened", async () => {
      const reviewed = await newDispute();
      await scene.call("submitDisputeEvidence", { disputeId: reviewed, evidence: words, submit: true });
      const order = newOrder();
      const debit = scene.call("processPayment", {
        ...card(order, "pm_usBankAccount_dispute"),
        mandate: { type: "offline" },
      });
      const payment = await scene.waitingPaymentOf(order);
      await scene.settle(payment.id);
      await debit;
      const returned = (await scene.stripe.disputes.list({ payment_intent: payment.id })).data[0]?.id;
      for (const disputeId of [reviewed, returned]) {
        expect(await scene.call("acceptDispute", { disputeId })).toMatchObject({
          status: 409,
          body: { metadata: { reason: "conflict", disputeId } },
        });
      }
    });

    it("does not take the bank's word for an acceptance that came too late", async () => {
      const disputeId = await newDispute();
      await scene.fault({ target: "api", effect: "error_500", path: `/v1/disputes/${disputeId}/close`, count: 3 });
      const late = scene.call("acceptDispute", { disputeId });
      await until("the note", async () => (await read(disputeId)).metadata["restate_accepted_by"]);
      // Somebody defends it in Stripe's dashboard before it is closed.
      await scene.stripe.disputes.update(disputeId, { evidence: { uncategorized_text: "It arrived." }, submit: true });
      const conflict = { status: 409, body: { metadata: { reason: "conflict", disputeId } } };
      expect(await late).toMatchObject(conflict);
      await settle(disputeId, "failed");
      expect(await scene.call("acceptDispute", { disputeId })).toMatchObject(conflict);
    });

    it("accepts once where the metadata are full and the answer is lost", async () => {
      const disputeId = await newDispute();
      const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key${index}`, "theirs"]));
      await scene.stripe.disputes.update(disputeId, { metadata, submit: false });
      await scene.fault({ target: "api", effect: "error_500_saved_after", path: `/v1/disputes/${disputeId}/close` });
      expect(await scene.call("acceptDispute", { disputeId })).toMatchObject({ status: 200, body: { status: "lost" } });
    });

    it.each(["error_500", "cut_before", "cut_after", "error_500_saved", "error_500_saved_after"])(
      "accepts in spite of %s",
      async (effect) => {
        const disputeId = await newDispute();
        await scene.fault({ target: "api", effect, method: "POST", path: `/v1/disputes/${disputeId}/close`, count: 1 });
        expect(await scene.call("acceptDispute", { disputeId })).toMatchObject({
          status: 200,
          body: { status: "lost" },
        });
      },
    );
  });

  describe("a wait for the outcome", () => {
    it("ends at its deadline, and leaves the dispute as it is", async () => {
      const disputeId = await newDispute();
      const request = { disputeId, awaitOutcome: true, timeoutSeconds: 1 };
      expect(await scene.call("getDispute", request)).toMatchObject({
        status: 408,
        body: { metadata: { reason: "timed_out", disputeId, compensation: "none" } },
      });
      expect((await read(disputeId)).status).toBe("needs_response");
    });

    it.each(["getDispute", "submitDisputeEvidence"])("ends when the call of %s is cancelled", async (handler) => {
      const disputeId = await newDispute();
      const key = newOrder();
      const more = handler === "getDispute" ? {} : { evidence: words, submit: true };
      const wait = scene.call(handler, { disputeId, awaitOutcome: true, ...more }, key);
      const invocationId = await scene.suspended(key);
      await restate(scene.admin, "invocation", "cancel", "--yes", invocationId);
      expect(await wait).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", disputeId, compensation: "none" } },
      });
    });

    it("survives a crash of the engine", async () => {
      const disputeId = await newDispute();
      const key = newOrder();
      const request = { disputeId, evidence: words, submit: true, awaitOutcome: true };
      const lost = scene.call("submitDisputeEvidence", request, key).catch(() => "connection lost");
      await untilHung(1, () => read(disputeId));
      await scene.suspended(key);
      await scene.crashEngine();
      await settle(disputeId, "succeeded");
      expect(await lost).toBe("connection lost");
      expect(await scene.call("submitDisputeEvidence", request, key)).toMatchObject({ body: { status: "won" } });
    });
  });
});
