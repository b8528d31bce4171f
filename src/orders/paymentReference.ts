/**
 * The durable memory of a reference: one object per reference, which runs one attempt at a time. Only who sends a
 * `reference` pays for it with one more invocation.
 */
import * as restate from "@restatedev/restate-sdk";
import type { PaymentOutcome } from "../payments/contract.ts";
import { openCall, type Call } from "../durable/call.ts";
import { theOnly } from "../durable/createOnce.ts";
import { failure, thrownAgain } from "../durable/failures.ts";
import { paymentJournalRetentionMs, running } from "../durable/policies.ts";
import { withSharedState, withState } from "../durable/state.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import { thenLook } from "../notifications/thenLook.ts";
import { awaitPayment } from "../payments/awaitPayment.ts";
import { paymentCreation, paymentsMadeBy } from "../payments/creation.ts";
import { readOwnPayment } from "../payments/object.ts";
import { paymentOutcome } from "../payments/outcome.ts";
import { processPayment, resumePayment } from "../payments/processPayment.ts";
import { judgePayment } from "../payments/rules/payment.ts";
import type { PaymentRequest } from "../payments/contract.ts";
import { paymentReferenceInterface, type Kept, type Recalled } from "./interface.ts";
import { fingerprintOf } from "../payments/fingerprint.ts";
import { judgeFailure, nextReferenceStep, type ReferenceRecord, type RequestFingerprint } from "./rules.ts";

type State = { record: ReferenceRecord; kept: Kept; changedAtMs: number };

/** Search may lag by an hour in outages. https://docs.stripe.com/search#data-freshness */
const searchLagMs = 60 * 60 * 1000;

type PayCall = Call<restate.ObjectContext<State>> & {
  /** How long a reference is remembered after its last change; null for ever. */
  readonly retentionMs: number | null;
};

export function createPaymentReference(options: HandlerOptions) {
  // Not the caller's own call: that may be killed while it waits for this one.
  const paid = thenLook([], pay);
  const stateful = (ctx: restate.ObjectContext) => openCall(withState<State>(ctx), options);
  return restate.implement(paymentReferenceInterface, {
    handlers: {
      async pay(ctx, request) {
        const call = stateful(ctx);
        const { retentionMs } = await call.fix("fix the retention", ({ settings }) => ({
          retentionMs: settings.referenceRetentionMs,
        }));
        return await paid({ ...call, retentionMs }, request);
      },
      recall: async (ctx) => await recall(withSharedState<State>(ctx)),
      forget: async (ctx) => await forget(stateful(ctx)),
    },
    options: {
      ...running(options),
      ingressPrivate: true,
      journalRetention: 0,
      handlers: { pay: { explicitCancellation: true, journalRetention: paymentJournalRetentionMs } },
    },
  });
}

async function pay(call: PayCall, request: PaymentRequest): Promise<PaymentOutcome> {
  const fingerprint = fingerprintOf(request);
  const record = await call.ctx.get("record");
  const step = nextReferenceStep(record, fingerprint);
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
    case "check":
      await refuseUnlessClosed(call, record);
      return await attempt(call, request, fingerprint);
  }
}

async function attempt(
  call: PayCall,
  request: PaymentRequest,
  fingerprint: RequestFingerprint,
): Promise<PaymentOutcome> {
  const begunAtMs = call.lastStepAtMs();
  const begun: ReferenceRecord = {
    fingerprint,
    invocationId: call.invocationId,
    begunAtMs,
    paymentIntentId: null,
    end: null,
  };
  call.ctx.set("record", begun);
  call.ctx.clear("kept");
  return await keep(call, begun, () =>
    processPayment(call, request, (paymentIntentId) => call.ctx.set("record", { ...begun, paymentIntentId })),
  );
}

/**
 * One attempt at a time is inside, so one that is still under way here was killed by an operator: what became of it is
 * found out, and none is begun while that is open.
 */
async function recover(call: PayCall, request: PaymentRequest, record: ReferenceRecord): Promise<PaymentOutcome> {
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
async function lookUp(call: PayCall, record: ReferenceRecord): Promise<string | null> {
  try {
    const { invocationId, begunAtMs: fixedAtMs } = record;
    const creation = { invocationId, installationId: await call.installationId(), fixedAtMs };
    return await theOnly(call, paymentCreation, await paymentsMadeBy(call, creation));
  } catch (error) {
    if (error instanceof restate.TerminalError) await keepFailure(call, record, error);
    throw error;
  }
}

/** What was answered before its end: as it is now. */
async function reread(
  call: PayCall,
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

async function refuseUnlessClosed(call: PayCall, record: ReferenceRecord): Promise<void> {
  const { paymentIntentId, invocationId, begunAtMs } = record;
  // Stripe did not answer the last attempt: what it made, if anything, is found by the call that made it.
  const creation = { invocationId, installationId: await call.installationId(), fixedAtMs: begunAtMs };
  const ids = paymentIntentId === null ? await paymentsMadeBy(call, creation) : [paymentIntentId];
  if (ids.length === 0 && call.lastStepAtMs() - begunAtMs <= searchLagMs) {
    const message = "Whether the last attempt for the reference made a payment is not known yet: try again in an hour.";
    throw failure("conflict", message, {});
  }
  for (const id of ids) {
    const { status } = await readOwnPayment(call, id);
    // Without a payment method it can't succeed by itself, and nobody has one for it.
    if (status === "canceled" || status === "requires_payment_method") continue;
    const message = `The last attempt for the reference is not closed yet (${status}): try again later.`;
    throw failure("conflict", message, { paymentIntentId: id });
  }
}

/** Remembers how an attempt ended, whether by an answer or by a failure. */
async function keep(
  call: PayCall,
  record: ReferenceRecord,
  end: () => Promise<PaymentOutcome>,
): Promise<PaymentOutcome> {
  try {
    const outcome = await end();
    const { paymentIntentId, status } = outcome;
    const isFinal = status === "succeeded";
    call.ctx.set("record", { ...record, paymentIntentId, end: { kind: "answered", isFinal } });
    // Any other answer is read anew when it is asked for again, so it isn't kept.
    if (isFinal) call.ctx.set("kept", { kind: "outcome", outcome });
    else call.ctx.clear("kept");
    rememberFrom(call);
    return outcome;
  } catch (error) {
    if (!(error instanceof restate.TerminalError)) throw error;
    await keepFailure(call, record, error);
    throw error;
  }
}

async function keepFailure(
  call: PayCall,
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
      call.ctx.clearAll();
      return;
    case "goes_on":
      call.ctx.set("record", { ...record, paymentIntentId });
      return;
    case "ended":
      call.ctx.set("record", { ...record, paymentIntentId, end: judged.end });
      call.ctx.set("kept", { kind: "failure", failure: { code, message, metadata } });
      rememberFrom(call);
  }
}

/** Counts the retention from now on, if there is one. */
function rememberFrom(call: PayCall): void {
  if (call.retentionMs === null) return;
  call.ctx.set("changedAtMs", call.lastStepAtMs());
  call.ctx
    .sendClient(paymentReferenceInterface, call.ctx.key)
    .forget(restate.rpc.sendOpts({ delay: call.retentionMs }));
}

/** Forgets what hasn't changed for as long as it is to be remembered. */
async function forget(call: Call<restate.ObjectContext<State>>): Promise<void> {
  const changedAtMs = (await call.ctx.get("changedAtMs")) ?? 0;
  const record = await call.ctx.get("record");
  const end = record?.end ?? null;
  const isOver = end?.kind === "failed" ? end.closed : end?.isFinal === true;
  const isOld = await call.fix(
    "look at the clock",
    ({ settings, nowMs }) => changedAtMs + (settings.referenceRetentionMs ?? Infinity) <= nowMs,
  );
  if (isOver && isOld) call.ctx.clearAll();
}

async function recall(ctx: restate.ObjectSharedContext<State>): Promise<Recalled> {
  const record = await ctx.get("record");
  return record === null ? null : { record, kept: await ctx.get("kept") };
}

function repeat(kept: Kept | null): PaymentOutcome {
  if (kept?.kind === "outcome") return kept.outcome;
  if (kept?.kind === "failure") throw thrownAgain(kept.failure);
  throw failure("needs_review", "The reference has ended, and how is not known.", {});
}
