/** What the calls by reference and the object that remembers references have in common. */
import { createHash } from "node:crypto";
import { TerminalError } from "@restatedev/restate-sdk";
import type { PaymentRequest } from "../payments/contract.ts";
import type { ReferenceRecord, RequestPrint } from "./rules.ts";
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

type Field = keyof PaymentRequest;

/** With what it is paid. */
const means: readonly Field[] = [
  "paymentMethodId",
  "mandate",
  "returnUrl",
  "offSession",
  "savePaymentMethod",
  "bankTransfer",
];
/** The name itself, and how the outcome is waited for. */
const uncounted: readonly Field[] = ["reference", "timeoutSeconds", "delayedStatus"];

/** Digests of what a request asks for. A field that neither list names is a part of the purchase. */
export function printOf(request: PaymentRequest): RequestPrint {
  const only = (isKept: (field: Field) => boolean) =>
    digest(Object.fromEntries(Object.entries(request).filter(([field]) => isKept(field as Field))));
  return {
    purchase: only((field) => !means.includes(field) && !uncounted.includes(field)),
    means: only((field) => means.includes(field)),
  };
}

function digest(value: object): string {
  return createHash("sha256").update(canonical(value)).digest("base64url");
}

/** JSON that does not depend on the order in which fields were sent. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** A failure that was kept, for everybody who asks for the same again. */
export function thrownAgain({ code, message, metadata }: KeptFailure): TerminalError {
  return new TerminalError(message, { errorCode: code, metadata });
}
