/** What the calls by reference and the object that remembers references have in common. */
import { TerminalError } from "@restatedev/restate-sdk";
import type { ReferenceRecord } from "./rules.ts";
import type { PaymentOutcome } from "../payments/contract.ts";

/** A TerminalError as it is kept: the same is thrown to everybody who asks for the same again. */
type KeptFailure = { readonly code: number; readonly message: string; readonly metadata: Record<string, string> };

export type Kept =
  | { readonly kind: "outcome"; readonly outcome: PaymentOutcome }
  | { readonly kind: "failure"; readonly failure: KeptFailure };

/** What is known of a reference, for whoever looks it up. */
export type Recalled = { readonly record: ReferenceRecord; readonly kept: Kept | null } | null;

export const paymentReferenceName = { name: "paymentReference" } as const;

/** The object's key. Payments of connected accounts will have keys of their own. */
export function referenceKey(reference: string): string {
  return `platform:${reference}`;
}

/** A failure that was kept, for everybody who asks for the same again. */
export function thrownAgain({ code, message, metadata }: KeptFailure): TerminalError {
  return new TerminalError(message, { errorCode: code, metadata });
}
