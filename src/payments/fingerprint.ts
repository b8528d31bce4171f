/**
 * The fingerprint of a request tells whether two requests ask for the same. It is taken over what the caller sent: a field
 * that is left out, or says what leaving it out means, does not count. So a field or a default that a later version adds
 * changes no fingerprint of a request without it.
 */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { paymentDefaults, type PaymentRequest } from "./contract.ts";
import type { RequestFingerprint } from "../orders/rules.ts";

/** The means of payment. */
const means: readonly string[] = [
  "paymentMethodId",
  "mandate",
  "returnUrl",
  "offSession",
  "savePaymentMethod",
  "bankTransfer",
] satisfies (keyof PaymentRequest)[];

/** The name itself, whose it is, and how the outcome is waited for. */
const uncounted: readonly string[] = [
  "reference",
  "merchant",
  "stripeAccount",
  "timeoutSeconds",
  "delayedStatus",
] satisfies (keyof PaymentRequest)[];

/**
 * Digests of a request. A field that neither list names is a part of the purchase.
 * @param defaults the values that mean the same as leaving the field out
 */
export function fingerprintOf(
  request: PaymentRequest,
  defaults: Readonly<Record<string, unknown>> = paymentDefaults,
): RequestFingerprint {
  const sent = Object.entries(request).filter(([field, value]) => value !== undefined && value !== defaults[field]);
  const only = (isKept: (field: string) => boolean) =>
    digest(Object.fromEntries(sent.filter(([field]) => isKept(field))));
  return {
    purchase: only((field) => !means.includes(field) && !uncounted.includes(field)),
    means: only((field) => means.includes(field)),
  };
}

/** Over JSON that does not depend on the order in which fields were sent. https://www.rfc-editor.org/rfc/rfc8785 */
function digest(value: object): string {
  return createHash("sha256")
    .update(canonicalize(value) ?? "")
    .digest("base64url");
}
