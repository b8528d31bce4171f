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

const failureNoteShape = z.object({ stripeCode: z.string().nullable(), declineCode: z.string().nullable() });

/** The note that `failureNote` reads back: Stripe's codes only, within the 500 characters of a metadata value. */
export function failureNoteOf(failure: PaymentFailure): string {
  return JSON.stringify({ stripeCode: failure.stripeCode, declineCode: failure.declineCode });
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
