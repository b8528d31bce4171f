import { iface } from "@restatedev/restate-sdk";
import type { KeptFailure } from "../durable/failures.ts";
import type { PaymentOutcome } from "../payments/contract.ts";
import type { PaymentRequest } from "../payments/contract.ts";
import type { ReferenceRecord } from "./rules.ts";

export type Kept =
  | { readonly kind: "outcome"; readonly outcome: PaymentOutcome }
  | { readonly kind: "failure"; readonly failure: KeptFailure };

/** What is known of a reference, for whoever looks it up. */
export type Recalled = { readonly record: ReferenceRecord; readonly kept: Kept | null } | null;

/** One object per reference. */
export const paymentReferenceInterface = iface.object(
  "paymentReference",
  {
    pay: iface.json<PaymentRequest, PaymentOutcome>({
      description: "Charges the reference, or repeats what became of it.",
    }),
    recall: iface.shared.json<void, Recalled>({ description: "What is known of the reference." }),
    forget: iface.json({ description: "Forgets the reference." }),
  },
  { description: "Private: charges a merchant's reference at most once." },
);

/** The object's key. Payments of connected accounts will have keys of their own. */
export function referenceKey(reference: string): string {
  return `platform:${reference}`;
}
