/** How a call that moves money to or from a connected account fails. */
import type { TerminalError } from "@restatedev/restate-sdk";
import { failure, refused, type FailureDetails } from "../durable/failures.ts";
import { isLowBalance, type Refusal } from "../stripe/errorMeaning.ts";

/** Stripe refuses to move the money. A balance that is too low passes with time. */
export function transferRefused(refusal: Refusal, details: FailureDetails): TerminalError {
  if (!isLowBalance(refusal)) return refused(refusal, details);
  const { message, stripeCode } = refusal;
  return failure("balance_insufficient", message, { ...details, stripeCode });
}
