/**
 * The private half of calls whose answers are kept for the life of their key only in part. The engine keeps answers by handler,
 * so such a handler keeps its own for a moment, and hands on what is to be kept: a wait, or a request that moves money.
 *
 * The key of the private call is the public call's invocation id, which is the same whenever the caller's key comes again, and a
 * number. An answer that passes with time is kept under its number, and whoever asks later steps over it, to the next number.
 */
import { iface, implement, rpc, RestatePromise, TerminalError, type Context } from "@restatedev/restate-sdk";
import type { InvocationPromise } from "@restatedev/restate-sdk";
import type {
  CreateTransferRequest,
  ReverseTransferRequest,
  TransferOutcome,
  TransferReversal,
} from "../accounts/contract.ts";
import { createTransfer } from "../accounts/createTransfer.ts";
import { reverseTransfer } from "../accounts/reverseTransfer.ts";
import { keptCallKey, keptCallsName } from "../api/keptCalls.ts";
import type { FailureReason } from "../api/failures.ts";
import type { RefundOutcome } from "../api/refundOutcome.ts";
import type { DisputeState } from "../disputes/contract.ts";
import { getDispute, type Waiting } from "../disputes/getDispute.ts";
import { acceptedAt } from "../durable/acceptance.ts";
import type { Call } from "../durable/call.ts";
import { openCall } from "../durable/openCall.ts";
import { cancellationOf } from "../durable/cancellation.ts";
import { asFailure, failure, thrownAgain, withFingerprint, type KeptFailure } from "../durable/failures.ts";
import { paymentJournalRetentionMs, running } from "../durable/policies.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import { accountOf, type Addressed } from "../merchants/rules.ts";
import { thenLook } from "../notifications/thenLook.ts";
import { cancelPayment } from "../payments/cancelPayment.ts";
import type { CancelOutcome, CancelPaymentRequest } from "../payments/contract.ts";
import type { RefundPaymentRequest } from "../refunds/contract.ts";
import { refundPayment } from "../refunds/refundPayment.ts";

/** A request that is handed on. `asking` names the run of the public call that does it. */
type Asked<Request> = {
  readonly request: Request;
  readonly asking: string;
  /** When the public call was accepted, in epoch milliseconds, and for which request: null where the edge didn't say. */
  readonly acceptedAtMs?: number | null;
  readonly fingerprint?: string | null;
};

type Awaiting = Waiting & { readonly disputeId: string };

type Kept<Answer> = (
  | { readonly kind: "answer"; readonly answer: Answer }
  /** A failure that passes with time: it is the answer to nobody but the run that it was given to. */
  | { readonly kind: "passing"; readonly asking: string; readonly failure: KeptFailure }
) & {
  /** Of the request that was done, whoever asks for it again. */
  readonly fingerprint?: string | null;
};

export const keptCallsInterface = iface.service(
  keptCallsName,
  {
    refundPayment: iface.json<Asked<RefundPaymentRequest>, Kept<RefundOutcome>>({
      description: "Makes a refund for payments/refundPayment, and keeps its end.",
    }),
    cancelPayment: iface.json<Asked<CancelPaymentRequest>, Kept<CancelOutcome>>({
      description: "Cancels or refunds for payments/cancelPayment, and keeps its end.",
    }),
    createTransfer: iface.json<Asked<CreateTransferRequest>, Kept<TransferOutcome>>({
      description: "Makes a transfer for accounts/createTransfer, and keeps it.",
    }),
    reverseTransfer: iface.json<Asked<ReverseTransferRequest>, Kept<TransferReversal>>({
      description: "Reverses a transfer for accounts/reverseTransfer, and keeps that.",
    }),
    getDispute: iface.json<Asked<Addressed & Awaiting>, Kept<DisputeState>>({
      description: "Waits for a dispute's end for payments/getDispute, and keeps it.",
    }),
  },
  { description: "Private: does and keeps what public calls hand on." },
);

const passingReasons: ReadonlySet<string | undefined> = new Set<FailureReason>(["balance_insufficient"]);

export function createKeptCalls(options: HandlerOptions) {
  function keep<Request extends Addressed, Answer>(handle: (call: Call, request: Request) => Promise<Answer>) {
    return async (ctx: Context, asked: Asked<Request>): Promise<Kept<Answer>> => {
      const { request, asking, acceptedAtMs = null, fingerprint = null } = asked;
      try {
        const answer = await handle(
          openCall(ctx, options, {
            account: accountOf(request),
            acceptance: acceptedAt(acceptedAtMs),
            isForCaller: true,
          }),
          request,
        );
        return { kind: "answer", answer, fingerprint };
      } catch (thrown) {
        const error = withFingerprint(asFailure(thrown, request), fingerprint);
        if (!(error instanceof TerminalError) || !passingReasons.has(error.metadata?.["reason"])) throw error;
        const { code, message, metadata = {} } = error;
        return { kind: "passing", asking, failure: { code, message, metadata }, fingerprint };
      }
    };
  }

  return implement(keptCallsInterface, {
    handlers: {
      refundPayment: keep(thenLook(["refunds"], refundPayment)),
      cancelPayment: keep(thenLook(["refunds"], cancelPayment)),
      createTransfer: keep(createTransfer),
      reverseTransfer: keep(reverseTransfer),
      getDispute: keep(
        thenLook(["disputes"], (call: Call, request: Addressed & Awaiting) => getDispute(call, request)),
      ),
    },
    options: {
      ...running(options),
      ingressPrivate: true,
      explicitCancellation: true,
      idempotencyRetention: options.idempotencyRetentionMs,
      journalRetention: paymentJournalRetentionMs,
    },
  });
}

/** Hands a request on, and answers as the private call does. A cancellation is handed on, too: that one says what became of it. */
export async function handOn<Request, Answer>(
  call: Call,
  request: Request,
  begin: (
    asked: Asked<Request>,
    key: ReturnType<typeof keyed<Asked<Request>, Kept<Answer>>>,
  ) => InvocationPromise<Kept<Answer>>,
): Promise<Answer> {
  const { ctx, invocationId, acceptance } = call;
  const named = await call.fix("name the run", ({ acceptedAtMs }) => ({
    asking: crypto.randomUUID(),
    acceptedAtMs,
    fingerprint: acceptance.verified()?.fingerprint ?? null,
  }));
  const { asking } = named;
  for (let number = 0; ; number++) {
    const handedOn = begin({ request, ...named }, keyed(keptCallKey(invocationId, number)));
    const wake = await RestatePromise.race([handedOn.map(() => "ended" as const), cancellationOf(ctx)]);
    if (wake === "cancellation") ctx.cancel(await handedOn.invocationId);
    const kept = await handedOn;
    if (kept.fingerprint !== undefined) call.answerFor(kept.fingerprint);
    if (kept.kind === "answer") return kept.answer;
    if (kept.asking === asking) throw thrownAgain(kept.failure);
    if (wake === "cancellation") {
      throw failure("canceled", "The call was cancelled before it asked Stripe.", { compensation: "none" });
    }
  }
}

function keyed<Input, Output>(idempotencyKey: string) {
  return rpc.opts<Input, Output>({ idempotencyKey });
}
