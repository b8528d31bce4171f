import { iface } from "@restatedev/restate-sdk";
import { isDefault, keyOf, type Account } from "../merchants/rules.ts";
import type { KeptFailure } from "../durable/failures.ts";
import type { PaymentOutcome } from "../payments/contract.ts";
import type { PaymentRequest } from "../payments/contract.ts";
import type { ReferenceRecord } from "./rules.ts";

export type Kept =
  | { readonly kind: "outcome"; readonly outcome: PaymentOutcome }
  | { readonly kind: "failure"; readonly failure: KeptFailure };

/** What is known of a reference, for whoever looks it up. */
export type Recalled = { readonly record: ReferenceRecord; readonly kept: Kept | null } | null;

/** A request to pay, with what its caller knows. */
export type PayRequest = PaymentRequest & {
  /** The attempt, by the call that made it, of whose soft decline the caller knew: it asks for another one. */
  readonly triesAgainAfter?: string;
  /** When the caller's own call was accepted, in epoch milliseconds, where the edge says so: his deadline counts from it. */
  readonly acceptedAtMs?: number;
};

/** Which of a reference's timers is due. There is one at a time; any other one is out of date. */
export type ForgetRequest = { readonly timer: string };

export type TimerRequest = ForgetRequest & { readonly delayMs: number };

/** One object per reference. */
export const paymentReferenceInterface = iface.object(
  "paymentReference",
  {
    pay: iface.json<PayRequest, PaymentOutcome>({
      description: "Charges the reference, or repeats what became of it.",
    }),
    recall: iface.shared.json<void, Recalled>({ description: "What is known of the reference." }),
    setTimer: iface.shared.json<TimerRequest>({ description: "Asks the reference to forget, after a delay." }),
    forget: iface.json<ForgetRequest | undefined>({
      description: "Forgets the reference once its payment has been over for long enough.",
    }),
  },
  { description: "Private: charges a merchant's reference at most once." },
);

/** The object's key: one reference of two accounts names two payments. */
export function referenceKey(account: Account, reference: string): string {
  return isDefault(account) ? `platform:${reference}` : keyOf(account, reference);
}
