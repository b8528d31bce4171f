/**
 * A watch looks after a PaymentIntent that no caller waits for any more. While the customer may act (`customer`) it waits;
 * once the customer's time is over (`expired`) it closes what was not paid, and lets a payment stand that was; after the
 * merchant was told that the payment is over (`abandoned`) it takes any success back.
 */
import type { PaymentSnapshot } from "./payment.ts";

export type WatchMode = "customer" | "expired" | "abandoned";

export type WatchStep = "done" | "wait" | "cancel" | "refund";

/** Decides the next step of a watch. Every status is listed for every mode. */
export function nextWatchStep(payment: PaymentSnapshot, mode: WatchMode): WatchStep {
  switch (payment.status) {
    case "succeeded":
      return mode === "abandoned" ? "refund" : "done";
    case "requires_capture":
      return mode === "abandoned" ? "cancel" : "done";
    case "requires_action":
    case "requires_confirmation":
      return mode === "customer" ? "wait" : "cancel";
    case "requires_payment_method":
      // The attempt failed, and the customer has no way to make another one on a PaymentIntent of ours.
      return "cancel";
    case "processing":
    case "unrecognized":
      return "wait";
    case "canceled":
      return "done";
  }
}
