/** What the snapshots of several kinds of Stripe objects have in common. */
import { z } from "zod";
import type { PaymentFailure } from "../payments/rules/payment.ts";

/** The id behind a field that may be expanded. */
export function idOf(reference: string | { readonly id: string } | null): string | null {
  return typeof reference === "object" ? (reference?.id ?? null) : reference;
}

/** ISO 8601 of one of Stripe's times, which are Unix seconds; null where there is none. */
export function momentOf(seconds: number | null): string | null {
  return seconds === null ? null : new Date(seconds * 1000).toISOString();
}

/** What Stripe says of a failed attempt, in an answer's error and on the intent itself. */
type AttemptError = Partial<
  Readonly<Record<"code" | "decline_code" | "advice_code" | "network_decline_code" | "message", string>>
>;

/** @param message where Stripe gives none */
export function failureOfAttempt(error: AttemptError, message: string): PaymentFailure {
  return {
    // The stripe package makes an empty text of a code that Stripe doesn't give.
    stripeCode: error.code || null,
    declineCode: error.decline_code || null,
    adviceCode: error.advice_code || null,
    networkDeclineCode: error.network_decline_code || null,
    message: error.message ?? message,
  };
}

const code = z.string().nullable();
const failureNoteShape = z.object({
  stripeCode: code,
  declineCode: code,
  adviceCode: code.default(null),
  networkDeclineCode: code.default(null),
});

/** The note that `failureNote` reads back: Stripe's codes only, within the 500 characters of a metadata value. */
export function failureNoteOf({ message: _message, ...codes }: PaymentFailure): string {
  return JSON.stringify(codes);
}

export function failureNote(text: string | undefined): PaymentFailure | null {
  if (text === undefined) return null;
  try {
    const note = failureNoteShape.safeParse(JSON.parse(text));
    if (note.success) return { ...note.data, message: "The attempt failed, and it was closed." };
  } catch {
    // Metadata is data from outside: a damaged note says nothing.
  }
  return null;
}
