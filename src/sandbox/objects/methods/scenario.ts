import type { Decline } from "../../world/declines.ts";
import type { PaymentMethodType } from "./flow.ts";

/**
 * A scenario is what a test payment method does, from the attempt to the refund.
 * `scenarios.ts` lists them all.
 */
export type Scenario = {
  readonly name: string;
  readonly type: PaymentMethodType;
  /** The card or account number, or IBAN, that stands for this scenario; empty for redirects and bank transfers. */
  readonly number: string;
  readonly card: { readonly brand: string; readonly funding: string; readonly country: string };
  /** `on_session`: set up for later use, so that only a present customer is asked. */
  readonly authentication: "never" | "always" | "on_session";
  readonly attempt: Attempt;
  /** The end of a voucher, and when it comes; null for all other types. */
  readonly voucher: VoucherFate | null;
  readonly refund: "succeeds" | "pending" | "fails_later";
  readonly dispute: { readonly reason: string; readonly isInquiry: boolean } | null;
  /** The money is in the merchant's balance at once. */
  readonly bypassesPending: boolean;
  readonly warnsOfFraud: boolean;
  /** Declining cards can't be attached to a Customer, save the one test card that exists for that. */
  readonly attachable: boolean;
};

export type Attempt =
  | { readonly kind: "succeeds" }
  | { readonly kind: "declined"; readonly decline: Decline }
  | { readonly kind: "processing"; readonly settlement: Settlement; readonly isDelayed: boolean };

/** `never`: nobody comes to pay, so that the voucher ends with its last day. */
export type VoucherFate = {
  readonly outcome: "succeeded" | "failed" | "never";
  readonly isDelayed: boolean;
};

export type Settlement = "succeeded" | "never" | Decline;
