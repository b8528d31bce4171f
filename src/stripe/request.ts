/**
 * One request to Stripe and what can come of it: an answer, or one of two things that are thrown. `StripeOutage` is
 * retried by the engine with the same journaled parameters and key; `StripeAccessError` needs an operator.
 */
import type { PaymentFailure } from "../payments/rules/payment.ts";
import { meaningOf, type AccessProblem, type ErrorMeaning, type Refusal } from "./errorMeaning.ts";
import { isKeyStillSafe } from "./idempotency.ts";
import { unsent } from "./pacedHttpClient.ts";
import { NoTurn } from "./pacing.ts";
import { onTerms, WithdrawnRequest } from "./terms.ts";

/** Stripe gave no usable answer. The outcome may be unknown; the same request with the same key finds out. */
export class StripeOutage extends Error {
  override readonly name = "StripeOutage";
}

/** The request was not sent: too many wait before it. */
export class StripeBusy extends StripeOutage {
  readonly retryAfterMs: number;
  constructor({ message, retryAfterMs }: NoTurn) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Stripe rejects the API key or its permissions: nothing was done, and nothing will be until somebody acts. */
export class StripeAccessError extends Error {
  override readonly name = "StripeAccessError";
  readonly problem: AccessProblem;
  constructor(problem: AccessProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}

/** The connected account that a request names is none of ours, or it has left: nothing was done, and nothing is to be had there. */
export class StripeAccountGone extends Error {
  override readonly name = "StripeAccountGone";
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** One journaled request that may be sent many times and must act once. */
export type FixedRequest<Parameters> = {
  readonly parameters: Parameters;
  readonly idempotencyKey: string;
  /** When the request was fixed, in epoch milliseconds: before its first attempt. */
  readonly fixedAtMs: number;
};

/**
 * How far Stripe's clock and ours may disagree when objects are told apart by their age: an hour, by which clocks go wrong that
 * are set to another zone, and as much again. What is told apart is older than two days: no idempotency key comes again before.
 */
export const clockToleranceMs = 2 * 60 * 60 * 1000;

/** An error of Stripe's that is an answer, once outages and rejected keys are thrown. */
export type RefusingAnswer = Exclude<ErrorMeaning, { kind: "retry" } | { kind: "operator" } | { kind: "account_gone" }>;

/**
 * Sends a request and gives its result, or what `answer` makes of an error that is an answer.
 * @throws StripeOutage, StripeAccessError, StripeAccountGone, or the WithdrawnRequest of the terms on which it was to be sent
 */
export async function ask<Result>(
  request: () => Promise<Result>,
  answer: (meaning: RefusingAnswer) => Result,
): Promise<Result> {
  try {
    return await request();
  } catch (error) {
    const why = unsent(error);
    if (why !== null) throw why instanceof NoTurn ? new StripeBusy(why) : why;
    // What is no error of Stripe's is thrown on, an outage that `expectObject` found included.
    const meaning = meaningOf(error);
    if (meaning.kind === "retry") throw new StripeOutage(meaning.message);
    if (meaning.kind === "operator") throw new StripeAccessError(meaning.problem, meaning.message);
    if (meaning.kind === "account_gone") throw new StripeAccountGone(meaning.refusal);
    return answer(meaning);
  }
}

/** Gives what a request comes to, or `gone` where the account that it names is none of ours. */
export async function unlessAccountGone<Answer, Gone>(asking: Promise<Answer>, gone: Gone): Promise<Answer | Gone> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof StripeAccountGone) return gone;
    throw error;
  }
}

/** What came of a request that makes something at Stripe, or moves money there. */
export type Sent<Made> =
  | { readonly kind: "made"; readonly made: Made }
  /** The object exists, in a state that the answer doesn't show: read it. */
  | { readonly kind: "exists"; readonly id: string }
  /** Declined before an object existed. */
  | { readonly kind: "declined"; readonly failure: PaymentFailure }
  /** `id`: the object that was made all the same, if one was. */
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly id: string | null }
  /** Whether Stripe acted is not known, and asking again with the key can no longer tell: look it up. */
  | { readonly kind: "unknown" }
  | { readonly kind: "needs_review"; readonly message: string };

const keyTooOld = "key too old";

/** The account may have left after an attempt whose answer was lost. A first attempt is not that old. */
const maybeRepeatedAfterMs = 10_000;

/**
 * Sends a fixed request, and nothing once Stripe may have forgotten its idempotency key, because a repetition would act again.
 * @param send gets what was fixed
 * @param answers.declined the object that a decline carries, or null where it carries none
 * @param answers.idOf the object that any other refusal names
 * @throws StripeOutage or StripeAccessError
 */
export async function sendOnce<Parameters, Made>(
  { fixedAtMs, parameters, idempotencyKey }: FixedRequest<Parameters>,
  send: (parameters: Parameters, options: { readonly idempotencyKey: string }) => Promise<Made>,
  answers: {
    readonly declined?: (meaning: Extract<ErrorMeaning, { kind: "declined" }>) => Made | null;
    readonly idOf?: (meaning: RefusedObject) => string | null;
  } = {},
): Promise<Sent<Made>> {
  const { declined = () => null, idOf = () => null } = answers;
  // Looked at when the request is really sent, too: it may have to wait for its turn.
  const check = (): void => {
    if (!isKeyStillSafe(fixedAtMs, Date.now())) throw new WithdrawnRequest(keyTooOld);
  };
  const sent = ask<Sent<Made>>(
    async () => {
      check();
      return { kind: "made", made: await onTerms({ check }, () => send(parameters, { idempotencyKey })) };
    },
    (meaning) => {
      switch (meaning.kind) {
        case "declined": {
          const made = declined(meaning);
          return made === null ? { kind: "declined", failure: meaning.failure } : { kind: "made", made };
        }
        case "missing":
        case "refused":
          return { kind: "refused", refusal: meaning.refusal, id: idOf(meaning) };
        case "saved_failure":
          return { kind: "unknown" };
        case "unexpected_state": {
          const id = idOf(meaning);
          return id === null ? { kind: "needs_review", message: meaning.message } : { kind: "exists", id };
        }
        case "needs_review":
          return { kind: "needs_review", message: meaning.message };
      }
    },
  );
  return await sent.catch((error: unknown) => {
    if (error instanceof WithdrawnRequest && error.why === keyTooOld) return { kind: "unknown" };
    if (!(error instanceof StripeAccountGone)) throw error;
    if (Date.now() - fixedAtMs < maybeRepeatedAfterMs) return { kind: "refused", refusal: error.refusal, id: null };
    return {
      kind: "needs_review",
      message: `${error.message} Whether it did what was asked before it left is not known.`,
    };
  });
}

type RefusedObject = Extract<ErrorMeaning, { readonly paymentIntentId: string | null }>;

/** One page of a long list: which objects on it were looked for, and where the next page begins; null after the last one. */
export type Page<Item> = { readonly found: readonly Item[]; readonly next: string | null };

/**
 * Reads one page of a list of which everything is wanted. Never a whole list: a step that takes longer than the engine lets it is
 * begun anew, for ever.
 * @param request asks for the page
 * @param read makes what is wanted of each object
 */
export async function readPage<Listed extends { readonly id: string }, Item>(
  what: string,
  request: () => Promise<ListedPage<Listed>>,
  read: (listed: Listed) => Item,
): Promise<Page<Item>> {
  return await ask<Page<Item>>(
    async () => {
      const page = expectObject("list", await request());
      return { found: page.data.map(read), next: nextPage(page) };
    },
    (meaning) => unexpectedAnswer(what, meaning),
  );
}

type ListedPage<Listed> = { readonly object: "list"; readonly has_more: boolean; readonly data: readonly Listed[] };

/** The parameters of one page of a payment's refunds, disputes or warnings. */
export function pageOfPayment(paymentIntentId: string, after: string | null) {
  return { payment_intent: paymentIntentId, limit: 100, ...(after === null ? {} : { starting_after: after }) };
}

/** Where the page after this one begins: after its last object. */
export function nextPage(page: { readonly has_more: boolean; readonly data: readonly { readonly id: string }[] }) {
  return page.has_more ? (page.data.at(-1)?.id ?? null) : null;
}

/**
 * The stripe package takes any JSON without an `error` for a success, also that of a proxy in front of an ailing Stripe.
 * What is not the object that was asked for is an outage.
 */
export function expectObject<Answer extends { readonly object: string }>(
  kind: Answer["object"],
  answer: Answer,
): Answer {
  if (answer.object === kind) return answer;
  throw new StripeOutage(`What answered in Stripe's name did not answer with a ${kind}.`);
}

/** Stripe's words for why it did not do what was asked. */
export function refusalMessage(what: string, meaning: RefusingAnswer): string {
  switch (meaning.kind) {
    case "unexpected_state":
    case "needs_review":
      return meaning.message;
    case "missing":
    case "refused":
      return meaning.refusal.message;
    case "declined":
      return meaning.failure.message;
    case "saved_failure":
      return `Stripe failed to ${what} and saved the failure under the idempotency key.`;
  }
}

/** A read that Stripe answers with a refusal is no state of a payment; the engine retries and then pauses it. */
export function unexpectedAnswer(what: string, meaning: RefusingAnswer): never {
  throw new StripeOutage(`Stripe refused to ${what} (${meaning.kind}).`);
}
