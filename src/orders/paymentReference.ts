/**
 * The durable memory of a reference: one object per reference, which runs one attempt at a time. Only who sends a
 * `reference` pays for it with one more invocation.
 */
import * as restate from "@restatedev/restate-sdk";
import { judgePayment } from "../payments/rules/payment.ts";
import type { PaymentOutcome, PaymentRequest } from "../payments/contract.ts";
import { judgeFailure, nextReferenceStep, type ReferenceRecord, type RequestFingerprint } from "./rules.ts";
import { answer } from "../payments/outcome.ts";
import { conflict, needsReview } from "../durable/failures.ts";
import { abortTimeoutMs, paymentJournalRetentionMs, untilAnOperatorLooks } from "../durable/policies.ts";
import { lookUpPayment } from "../payments/lookUpPayment.ts";
import { thenLook } from "../notifications/thenLook.ts";
import { paymentHandlers } from "../payments/processPayment.ts";
import type { PaymentsOptions } from "../merchants/options.ts";
import { readOwnPayment } from "../payments/readPayment.ts";
import { fingerprintOf } from "../payments/fingerprint.ts";
import { type Kept, paymentReferenceName, type Recalled, thrownAgain } from "./interface.ts";

type State = { record: ReferenceRecord; kept: Kept; changedAtMs: number };

/** Search may lag by an hour in outages. https://docs.stripe.com/search#data-freshness */
const searchLagMs = 60 * 60 * 1000;

export type PaymentReference = ReturnType<typeof createPaymentReference>;

export function createPaymentReference(options: PaymentsOptions) {
  const { stripe, referenceRetentionMs, notifications } = options;
  const payments = paymentHandlers(options);

  async function pay(ctx: restate.ObjectContext<State>, request: PaymentRequest): Promise<PaymentOutcome> {
    const fingerprint = fingerprintOf(request);
    const record = await ctx.get("record");
    const step = nextReferenceStep(record, fingerprint);
    if (step.kind === "conflict") throw conflict(record?.paymentIntentId ?? null, step.message);
    if (record === null || step.kind === "start") return await attempt(ctx, request, fingerprint);
    switch (step.kind) {
      case "repeat":
        return repeat(await ctx.get("kept"));
      case "reread":
        return await reread(ctx, request, record);
      case "join":
        return await recover(ctx, request, record);
      case "check":
        await refuseUnlessClosed(ctx, record.paymentIntentId ?? "");
        return await attempt(ctx, request, fingerprint);
    }
  }

  async function attempt(
    ctx: restate.ObjectContext<State>,
    request: PaymentRequest,
    fingerprint: RequestFingerprint,
  ): Promise<PaymentOutcome> {
    const begunAtMs = await ctx.date.now();
    const begun: ReferenceRecord = {
      fingerprint,
      invocationId: ctx.request().id,
      begunAtMs,
      paymentIntentId: null,
      end: null,
    };
    ctx.set("record", begun);
    ctx.clear("kept");
    return await keep(ctx, begun, () =>
      payments.processPayment(ctx, request, (paymentIntentId) => ctx.set("record", { ...begun, paymentIntentId })),
    );
  }

  /**
   * One attempt at a time is inside, so one that is still under way here was killed by an operator: what became of it is
   * found out, and none is begun while that is open.
   */
  async function recover(
    ctx: restate.ObjectContext<State>,
    request: PaymentRequest,
    record: ReferenceRecord,
  ): Promise<PaymentOutcome> {
    const { begunAtMs, fingerprint } = record;
    const paymentIntentId = record.paymentIntentId ?? (await lookUp(ctx, record));
    if (paymentIntentId !== null) {
      const resumed = { ...record, paymentIntentId };
      ctx.set("record", resumed);
      return await keep(ctx, resumed, () => payments.resumePayment(ctx, request, paymentIntentId, begunAtMs));
    }
    if ((await ctx.date.now()) - begunAtMs > searchLagMs) return await attempt(ctx, request, fingerprint);
    throw needsReview(
      "The last attempt for the reference was killed, and whether it charged is not known yet: ask again in an hour.",
    );
  }

  /** Finds what an attempt made. Several of one attempt are its end: a person has to look at them. */
  async function lookUp(ctx: restate.ObjectContext<State>, record: ReferenceRecord): Promise<string | null> {
    try {
      return await lookUpPayment(ctx, stripe, { invocationId: record.invocationId, fixedAtMs: record.begunAtMs });
    } catch (error) {
      if (error instanceof restate.TerminalError) await keepFailure(ctx, record, error);
      throw error;
    }
  }

  /** What was answered before its end: as it is now. */
  async function reread(
    ctx: restate.ObjectContext<State>,
    { timeoutSeconds }: PaymentRequest,
    record: ReferenceRecord,
  ): Promise<PaymentOutcome> {
    const paymentIntentId = record.paymentIntentId ?? "";
    return await keep(ctx, record, async () => {
      const payment = await readOwnPayment(ctx, stripe, paymentIntentId);
      const judgement = judgePayment(payment, { attempted: true, customer: "answer" });
      // The customer has acted, and the bank is at work: the answer is what comes of it.
      if (judgement.kind === "pending") return await payments.awaitPayment(ctx, { paymentIntentId, timeoutSeconds });
      return answer({ payment, decision: judgement, settledBy: "poll" });
    });
  }

  async function refuseUnlessClosed(ctx: restate.ObjectContext<State>, paymentIntentId: string): Promise<void> {
    const { status } = await readOwnPayment(ctx, stripe, paymentIntentId);
    // Without a payment method it can't succeed by itself, and nobody has one for it.
    if (status === "canceled" || status === "requires_payment_method") return;
    const message = `The last attempt for the reference is not closed yet (${status}): try again later.`;
    throw conflict(paymentIntentId, message);
  }

  /** Remembers how an attempt ended, whether by an answer or by a failure. */
  async function keep(
    ctx: restate.ObjectContext<State>,
    record: ReferenceRecord,
    end: () => Promise<PaymentOutcome>,
  ): Promise<PaymentOutcome> {
    try {
      const outcome = await end();
      const { paymentIntentId, status } = outcome;
      ctx.set("record", { ...record, paymentIntentId, end: { kind: "answered", isFinal: status === "succeeded" } });
      ctx.set("kept", { kind: "outcome", outcome });
      await rememberFrom(ctx);
      return outcome;
    } catch (error) {
      if (!(error instanceof restate.TerminalError)) throw error;
      await keepFailure(ctx, record, error);
      throw error;
    }
  }

  async function keepFailure(
    ctx: restate.ObjectContext<State>,
    record: ReferenceRecord,
    { code, message, metadata: details }: restate.TerminalError,
  ): Promise<void> {
    const metadata = { ...details };
    const latest = (await ctx.get("record")) ?? record;
    const paymentIntentId = metadata["paymentIntentId"] ?? record.paymentIntentId ?? latest.paymentIntentId;
    const { compensation, reason = "unknown" } = metadata;
    const judged = judgeFailure({ reason, paymentIntentId, compensation });
    switch (judged.kind) {
      case "nothing_made":
        ctx.clearAll();
        return;
      case "goes_on":
        ctx.set("record", { ...record, paymentIntentId });
        return;
      case "ended":
        ctx.set("record", { ...record, paymentIntentId, end: judged.end });
        ctx.set("kept", { kind: "failure", failure: { code, message, metadata } });
        await rememberFrom(ctx);
    }
  }

  /** Counts the retention from now on, if there is one. */
  async function rememberFrom(ctx: restate.ObjectContext<State>): Promise<void> {
    if (referenceRetentionMs === null) return;
    ctx.set("changedAtMs", await ctx.date.now());
    ctx
      .objectSendClient<PaymentReference>(paymentReferenceName, ctx.key)
      .forget(restate.rpc.sendOpts({ delay: referenceRetentionMs }));
  }

  /** Forgets what hasn't changed for as long as it is to be remembered. */
  async function forget(ctx: restate.ObjectContext<State>): Promise<void> {
    const changedAtMs = (await ctx.get("changedAtMs")) ?? 0;
    const record = await ctx.get("record");
    const end = record?.end ?? null;
    const isOver = end?.kind === "failed" ? end.closed : end?.isFinal === true;
    if (isOver && changedAtMs + (referenceRetentionMs ?? Infinity) <= (await ctx.date.now())) ctx.clearAll();
  }

  const running = {
    ingressPrivate: true,
    retryPolicy: untilAnOperatorLooks,
    inactivityTimeout: options.inactivityTimeoutMs,
    abortTimeout: abortTimeoutMs,
  } as const;

  return restate.object({
    ...paymentReferenceName,
    description: "Private: charges a merchant's reference at most once.",
    handlers: {
      pay: restate.handlers.object.exclusive(
        {
          ...running,
          description: "Charges the reference, or repeats what became of it.",
          explicitCancellation: true,
          journalRetention: paymentJournalRetentionMs,
        },
        // Not the caller's own call: that may be killed while it waits for this one.
        thenLook(notifications, [], pay),
      ),
      recall: restate.handlers.object.shared(
        { ...running, description: "What is known of the reference.", journalRetention: 0 },
        recall,
      ),
      forget: restate.handlers.object.exclusive(
        { ...running, description: "Forgets the reference.", journalRetention: 0 },
        forget,
      ),
    },
  });
}

async function recall(ctx: restate.ObjectSharedContext<State>): Promise<Recalled> {
  const record = await ctx.get("record");
  return record === null ? null : { record, kept: await ctx.get("kept") };
}

function repeat(kept: Kept | null): PaymentOutcome {
  if (kept?.kind === "outcome") return kept.outcome;
  if (kept?.kind === "failure") throw thrownAgain(kept.failure);
  throw needsReview("The reference has ended, and how is not known.");
}
