/**
 * One request to Stripe and what can come of it: an answer, or one of two things that are thrown. `StripeOutage` is
 * retried by the engine with the same journaled parameters and key; `StripeAccessError` needs an operator.
 */
import { meaningOf, type AccessProblem, type ErrorMeaning } from "./errorMeaning.ts";

/** Stripe gave no usable answer. The outcome may be unknown; the same request with the same key finds out. */
class StripeOutage extends Error {
  override readonly name = "StripeOutage";
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
export type RefusingAnswer = Exclude<ErrorMeaning, { kind: "retry" } | { kind: "operator" }>;

/**
 * Sends a request and gives its result, or what `answer` makes of an error that is an answer.
 * @throws StripeOutage or StripeAccessError
 */
export async function ask<Result>(
  request: () => Promise<Result>,
  answer: (meaning: RefusingAnswer) => Result,
): Promise<Result> {
  try {
    return await request();
  } catch (error) {
    // What is no error of Stripe's is thrown on, an outage that `expectObject` found included.
    const meaning = meaningOf(error);
    if (meaning.kind === "retry") throw new StripeOutage(meaning.message);
    if (meaning.kind === "operator") throw new StripeAccessError(meaning.problem, meaning.message);
    return answer(meaning);
  }
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
