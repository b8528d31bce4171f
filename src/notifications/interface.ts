import { iface } from "@restatedev/restate-sdk";
import type { LaterChange } from "./rules/dueNotifications.ts";
import type { PaymentNotification } from "./contract.ts";

export type LookRequest = {
  /** What may have changed, beside the payment itself. */
  readonly changes: readonly LaterChange[];
  /** `webhook`: whether the payment concerns us is still to be seen. `ours`: a call of ours has to do with it. */
  readonly askedBy: "webhook" | "ours";
  /** The caller was told that the payment is over, while it was still pending. */
  readonly abandoned: boolean;
};

/** How a delivery ended well, for the operator who looks at the call's result. */
export type Delivered = { readonly id: string; readonly attempts: number };

/** One object per PaymentIntent. */
export const paymentNotifierInterface = iface.object(
  "paymentNotifier",
  {
    look: iface.json<LookRequest>({ description: "Reads the payment and hands over what was not told yet." }),
    deliver: iface.json<PaymentNotification, Delivered>({
      description: "Delivers one notification, however often it takes. May be restarted as new.",
    }),
    forget: iface.json({ description: "Clears the state of a payment that nothing happens to any more." }),
  },
  { description: "Private: tells the merchant's own system what became of a payment." },
);
