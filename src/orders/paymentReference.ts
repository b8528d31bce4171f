/**
 * The durable memory of a reference: one object per reference, which runs one attempt at a time. Only who sends a
 * `reference` pays for it with one more invocation.
 */
import * as restate from "@restatedev/restate-sdk";
import type { PaymentOutcome } from "../payments/contract.ts";
import { acceptedAt } from "../durable/acceptance.ts";
import { openCall } from "../durable/openCall.ts";
import { failure, thrownAgain } from "../durable/failures.ts";
import { paymentJournalRetentionMs, running } from "../durable/policies.ts";
import { withSharedState, withState } from "../durable/state.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import { readKey } from "../merchants/rules.ts";
import { thenLook } from "../notifications/thenLook.ts";
import { awaitPayment } from "../payments/awaitPayment.ts";
import { readOwnPayment } from "../payments/object.ts";
import { paymentOutcome } from "../payments/outcome.ts";
import { processPayment, resumePayment } from "../payments/processPayment.ts";
import { judgePayment } from "../payments/rules/payment.ts";
import type { PaymentRequest } from "../payments/contract.ts";
import { paymentReferenceInterface, type Kept, type PayRequest, type Recalled } from "./interface.ts";
import { fingerprintOf } from "../payments/fingerprint.ts";
import { findAttempt, refuseUnlessClosed, searchLagMs } from "./lastAttempt.ts";
import { clearMemory, forget, noteChange, startTimer, type ReferenceCall, type ReferenceState } from "./memory.ts";
import {
  isSameEnd,
  judgeFailure,
  nextReferenceStep,
  type AttemptEnd,
  type ReferenceRecord,
  type RequestFingerprint,
} from "./rules.ts";

export function createPaymentReference(options: HandlerOptions) {
  // Not the caller's own call: that may be killed while it waits for this one.
  const paid = thenLook([], pay);
  const stateful = (ctx: restate.ObjectContext, acceptedAtMs?: number) =>
    openCall(withState<ReferenceState>(ctx), options, {
      account: readKey(ctx.key).account,
      acceptance: acceptedAt(acceptedAtMs ?? null),
      isAsked: true,
    });
  return restate.implement(paymentReferenceInterface, {
    handlers: {
      async pay(ctx, request) {
        const call = stateful(ctx, request.acceptedAtMs);
        const { retentionMs } = await call.fix("fix the retention", ({ settings }) => ({
          retentionMs: settings.referenceRetentionMs,
        }));
        await startTimer(call, retentionMs);
        return await paid(call, request);
      },
      recall: async (ctx) => await recall(withSharedState<ReferenceState>(ctx)),
      async setTimer(ctx, { timer, delayMs }) {
        const self = ctx.sendClient(paymentReferenceInterface, ctx.key);
        self.forget({ timer }, restate.rpc.sendOpts({ delay: delayMs }));
      },
      forget: async (ctx, due) => await forget(stateful(ctx), due),
    },
    options: {
      ...running(options),
      ingressPrivate: true,
      journalRetention: 0,
      handlers: { pay: { explicitCancellation: true, journalRetention: paymentJournalRetentionMs } },
    },
  });
}

async function pay(call: ReferenceCall, asked: PayRequest): Promise<PaymentOutcome> {
  const { triesAgainAfter, acceptedAtMs: _, ...request } = asked;
  const fingerprint = fingerprintOf(request);
  const record = await call.ctx.get("record");
  // Of several callers who ask again at once, the first makes the attempt, and the others get what it comes to.
  const triesAgain = record !== null && record.invocationId === triesAgainAfter;
  const step = nextReferenceStep(record, fingerprint, { triesAgain, isAlone: true });
  if (step.kind === "conflict") {
    throw failure("conflict", step.message, { paymentIntentId: record?.paymentIntentId ?? null });
  }
  if (record === null || step.kind === "start") return await attempt(call, request, fingerprint);
  switch (step.kind) {
    case "repeat":
      return repeat(await call.ctx.get("kept"));
    case "reread":
      return await reread(call, request, record);
    case "join":
      return await recover(call, request, record);
    case "check": {
      const paymentIntentId = record.paymentIntentId ?? (await lookUp(call, record));
      const sinceMs = Math.max(record.begunAtMs, (await call.ctx.get("changedAtMs")) ?? 0);
      await refuseUnlessClosed(call, { paymentIntentId, sinceMs, isOver: step.isOver });
      return await attempt(call, request, fingerprint);
    }
  }
}

async function attempt(
  call: ReferenceCall,
  request: PaymentRequest,
  fingerprint: RequestFingerprint,
): Promise<PaymentOutcome> {
  const known = await call.ctx.get("record");
  // An attempt that was killed and made nothing leaves what was known before it.
  if (known !== null && known.end !== null) {
    call.ctx.set("before", { record: known, kept: await call.ctx.get("kept") });
  }
  const begun: ReferenceRecord = {
    fingerprint,
    invocationId: call.invocationId,
    begunAtMs: call.lastStepAtMs(),
    paymentIntentId: null,
    end: null,
  };
  call.ctx.set("record", begun);
  call.ctx.clear("kept");
  noteChange(call);
  return await keep(call, begun, () =>
    processPayment(call, request, (paymentIntentId) => call.ctx.set("record", { ...begun, paymentIntentId })),
  );
}

/**
 * One attempt at a time is inside, so one that is still under way here was killed by an operator: what became of it is
 * found out, and none is begun while that is open.
 */
async function recover(call: ReferenceCall, request: PaymentRequest, record: ReferenceRecord): Promise<PaymentOutcome> {
  const { begunAtMs, fingerprint } = record;
  const paymentIntentId = record.paymentIntentId ?? (await lookUp(call, record));
  if (paymentIntentId !== null) {
    const resumed = { ...record, paymentIntentId };
    call.ctx.set("record", resumed);
    return await keep(call, resumed, () => resumePayment(call, request, paymentIntentId, begunAtMs));
  }
  if (call.lastStepAtMs() - begunAtMs > searchLagMs) return await attempt(call, request, fingerprint);
  const message =
    "The last attempt for the reference was killed, and whether it charged is not known yet: ask again in an hour.";
  throw failure("needs_review", message, {});
}

/** Finds what an attempt made. Several of one attempt are its end: a person has to look at them. */
async function lookUp(call: ReferenceCall, record: ReferenceRecord): Promise<string | null> {
  try {
    return await findAttempt(call, record);
  } catch (error) {
    if (error instanceof restate.TerminalError) await keepFailure(call, record, error);
    throw error;
  }
}

/** What was answered before its end: as it is now. */
async function reread(
  call: ReferenceCall,
  { timeoutSeconds }: PaymentRequest,
  record: ReferenceRecord,
): Promise<PaymentOutcome> {
  const paymentIntentId = record.paymentIntentId ?? "";
  return await keep(call, record, async () => {
    const payment = await readOwnPayment(call, paymentIntentId);
    const judgement = judgePayment(payment, { attempted: true, customer: "answer" });
    // The customer has acted, and the bank is at work: the answer is what comes of it.
    if (judgement.kind === "pending") return await awaitPayment(call, { paymentIntentId, timeoutSeconds });
    return paymentOutcome({ payment, decision: judgement, settledBy: "poll" });
  });
}

/** Remembers how an attempt ended, whether by an answer or by a failure. */
async function keep(
  call: ReferenceCall,
  record: ReferenceRecord,
  end: () => Promise<PaymentOutcome>,
): Promise<PaymentOutcome> {
  try {
    const outcome = await end();
    const { paymentIntentId, status } = outcome;
    const answered: AttemptEnd = { kind: "answered", isFinal: status === "succeeded" };
    remember(call, { ...record, paymentIntentId }, answered, { kind: "outcome", outcome });
    return outcome;
  } catch (error) {
    if (!(error instanceof restate.TerminalError)) throw error;
    await keepFailure(call, record, error);
    throw error;
  }
}

async function keepFailure(
  call: ReferenceCall,
  record: ReferenceRecord,
  { code, message, metadata: details }: restate.TerminalError,
): Promise<void> {
  const metadata = { ...details };
  const latest = (await call.ctx.get("record")) ?? record;
  const paymentIntentId = metadata["paymentIntentId"] ?? record.paymentIntentId ?? latest.paymentIntentId;
  const { compensation, reason = "unknown" } = metadata;
  const judged = judgeFailure({ reason, paymentIntentId, compensation });
  switch (judged.kind) {
    case "nothing_made":
      await goBack(call);
      return;
    case "goes_on":
      call.ctx.set("record", { ...record, paymentIntentId });
      return;
    case "ended":
      remember(call, { ...record, paymentIntentId }, judged.end, {
        kind: "failure",
        failure: { code, message, metadata },
      });
  }
}

/** @param record as it was before this end */
function remember(call: ReferenceCall, record: ReferenceRecord, end: AttemptEnd, kept: Kept): void {
  if (!isSameEnd(record.end, end)) noteChange(call);
  call.ctx.set("record", { ...record, end });
  // An answer that is not final is read anew when it is asked for again, and may hold the address of a customer's page.
  if (end.kind === "failed" || end.isFinal) call.ctx.set("kept", kept);
  else call.ctx.clear("kept");
  call.ctx.clear("before");
}

/** A refused attempt changes nothing that was known of the reference. */
async function goBack(call: ReferenceCall): Promise<void> {
  const before = await call.ctx.get("before");
  if (before === null) {
    clearMemory(call);
    return;
  }
  call.ctx.set("record", before.record);
  if (before.kept !== null) call.ctx.set("kept", before.kept);
  call.ctx.clear("before");
}

async function recall(ctx: restate.ObjectSharedContext<ReferenceState>): Promise<Recalled> {
  const record = await ctx.get("record");
  return record === null ? null : { record, kept: await ctx.get("kept") };
}

function repeat(kept: Kept | null): PaymentOutcome {
  if (kept?.kind === "outcome") return kept.outcome;
  if (kept?.kind === "failure") throw thrownAgain(kept.failure);
  throw failure("needs_review", "The reference has ended, and how is not known.", {});
}
