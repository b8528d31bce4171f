import { iface } from "@restatedev/restate-sdk";
import type { Addressed } from "../merchants/rules.ts";

/** A watch over a PaymentIntent that no caller waits for any more. */
export type WatchRequest = Addressed & {
  readonly paymentIntentId: string;
  /**
   * `customer`: the caller sent the customer to act. `abandoned`: the caller was told that the payment is over.
   * `stands`: it succeeded before it could be given up, and the note that says otherwise is still to be taken back.
   */
  readonly mode: "customer" | "abandoned" | "stands";
  /** Of an abandoned one: Stripe gave no answer to the attempt to cancel it, so the watch makes one. */
  readonly isUntried?: boolean;
  /** When a customer's time is over, in epoch milliseconds. Null for a payment that is already abandoned. */
  readonly deadlineAtMs: number | null;
};

/** A call that may have made a PaymentIntent, and when its request was fixed, in epoch milliseconds. */
export type UnknownPayment = Addressed & { readonly invocationId: string; readonly fixedAtMs: number };

/** How a watch ended, for the operator who looks at the invocation's result. */
export type WatchResult = {
  readonly paymentIntentId: string;
  readonly status: string;
  readonly compensation: "none" | "canceled" | "refunded";
  readonly refundIds: readonly string[];
};

export const paymentWatcherInterface = iface.service(
  "paymentWatcher",
  {
    watch: iface.json<WatchRequest, WatchResult>({
      description: "Watches one PaymentIntent to its end; cancels or refunds what the merchant gave up.",
    }),
    takeBackUnknown: iface.json<UnknownPayment, readonly string[]>({
      description: "Looks for what a call may have made that was given up without an answer, and takes it back.",
    }),
  },
  { description: "Private: looks after payments that no caller waits for any more." },
);
