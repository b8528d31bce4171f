/**
 * The callers' own record: every intent is written before it is sent, and every answer before it is acted upon. One line
 * of JSON each, only ever appended.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

export type Answer = {
  readonly status: number;
  readonly body: AnswerBody;
};

/** The fields of an answer that the checker looks at, whichever handler gave it. */
export type AnswerBody = {
  readonly status?: string;
  readonly paymentIntentId?: string;
  readonly refundId?: string;
  readonly chargeId?: string | null;
  readonly amount?: number;
  readonly amountReceived?: number;
  readonly message?: string;
  readonly metadata?: {
    readonly reason?: string;
    readonly paymentIntentId?: string;
    readonly refundId?: string;
    readonly compensation?: string;
    readonly declineCode?: string;
    readonly stripeCode?: string;
  };
};

export type CallBody = Readonly<Record<string, unknown>>;

export type ClientEvent =
  | {
      readonly type: "intent";
      readonly handler: string;
      readonly body: CallBody;
      readonly isLastAsk?: boolean;
      readonly sentAs?: string;
    }
  /** No answer came, or one that says nothing: the same is sent again. */
  | { readonly type: "unanswered"; readonly why: string }
  | { readonly type: "answer"; readonly answer: Answer }
  /** Somebody is about to cancel the call through the engine's admin API. */
  | { readonly type: "cancel"; readonly invocationId: string }
  /** The engine has taken the cancellation. */
  | { readonly type: "cancelled" }
  /** What the customer is about to do at Stripe. */
  | { readonly type: "customer"; readonly outcome: string };

export type ClientEntry = {
  readonly atMs: number;
  readonly payment: string;
  readonly key: string;
  readonly event: ClientEvent;
};

/** One call as its caller knows it, however often it was sent. */
export type Call = {
  readonly payment: string;
  /** Its own among all calls. */
  readonly key: string;
  /** The idempotency key that was sent, which a call of another merchant may have, too. */
  readonly sentAs: string;
  readonly handler: string;
  readonly body: CallBody;
  /** When it was first sent, in epoch milliseconds. */
  readonly sentAtMs: number;
  /** It asks, once all is quiet, whether its reference takes a new attempt. */
  readonly isLastAsk: boolean;
  readonly wasCancelled: boolean;
  /** When the engine took its cancellation. */
  readonly cancelledAtMs: number | null;
  readonly customer: string | null;
  readonly attempts: number;
  readonly answer: Answer | null;
  readonly answeredAtMs: number | null;
};

export class ClientLog {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  append(payment: string, key: string, event: ClientEvent): void {
    writeSync(this.#file, `${JSON.stringify({ atMs: Date.now(), payment, key, event } satisfies ClientEntry)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

export function readClientLog(path: string): readonly ClientEntry[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as ClientEntry);
}

export function callsOf(entries: readonly ClientEntry[]): readonly Call[] {
  const calls = new Map<string, Call>();
  for (const { atMs, payment, key, event } of entries) {
    if (event.type === "intent") {
      const { handler, body, isLastAsk = false, sentAs = key } = event;
      const unmet = {
        wasCancelled: false,
        cancelledAtMs: null,
        customer: null,
        attempts: 1,
        answer: null,
        answeredAtMs: null,
      };
      calls.set(key, { payment, key, sentAs, handler, body, sentAtMs: atMs, isLastAsk, ...unmet });
      continue;
    }
    const call = calls.get(key);
    if (call === undefined) throw new Error(`The client log knows no intent of ${key}.`);
    calls.set(key, next(call, event, atMs));
  }
  return [...calls.values()];
}

function next(call: Call, event: Exclude<ClientEvent, { type: "intent" }>, atMs: number): Call {
  switch (event.type) {
    case "unanswered":
      return { ...call, attempts: call.attempts + 1 };
    case "answer":
      return { ...call, answer: event.answer, answeredAtMs: atMs };
    case "cancel":
      return { ...call, wasCancelled: true };
    case "cancelled":
      return { ...call, cancelledAtMs: atMs };
    case "customer":
      return { ...call, customer: event.outcome };
  }
}
