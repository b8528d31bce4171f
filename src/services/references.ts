/** What the calls by reference and the object that remembers references have in common. */
import { createHash } from "node:crypto";
import { TerminalError } from "@restatedev/restate-sdk";
import type { PaymentRequest } from "../domain/paymentRequest.ts";
import type { ReferenceRecord, RequestPrint } from "../domain/reference.ts";
import type { PaymentOutcome } from "./paymentApi.ts";

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

/** Digests of what a request asks for. `delayedStatus` and `timeoutSeconds` say how it is waited for, and don't count. */
export function printOf(request: PaymentRequest): RequestPrint {
  const { paymentMethodId, mandate, returnUrl, offSession, savePaymentMethod, bankTransfer } = request;
  const { reference: _reference, timeoutSeconds: _timeout, delayedStatus: _delayed, ...rest } = request;
  const {
    paymentMethodId: _1,
    mandate: _2,
    returnUrl: _3,
    offSession: _4,
    savePaymentMethod: _5,
    bankTransfer: _6,
    ...purchase
  } = rest;
  return {
    purchase: digest(purchase),
    means: digest({ paymentMethodId, mandate, returnUrl, offSession, savePaymentMethod, bankTransfer }),
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
