import { iface } from "@restatedev/restate-sdk";
import type { Addressed } from "../merchants/rules.ts";

/** A watch over a SetupIntent that no caller waits for any more. */
export type SetupWatchRequest = Addressed & {
  readonly setupIntentId: string;
  /** When the customer's time is over, in epoch milliseconds. */
  readonly deadlineAtMs: number;
};

/** A call that may have made a SetupIntent of a customer, and when its request was fixed, in epoch milliseconds. */
export type UnknownSetup = Addressed & {
  readonly invocationId: string;
  readonly fixedAtMs: number;
  readonly customerId: string;
};

/** How a watch ended, for the operator who looks at the invocation's result. */
export type SetupWatchResult = { readonly setupIntentId: string; readonly status: string };

export const setupWatcherInterface = iface.service(
  "setupWatcher",
  {
    watch: iface.json<SetupWatchRequest, SetupWatchResult>({
      description: "Watches one SetupIntent to its end, and cancels it when its customer's time is over.",
    }),
    cancelUnknown: iface.json<UnknownSetup, readonly string[]>({
      description: "Looks for what a call may have made that was given up without an answer, and cancels it.",
    }),
  },
  { description: "Private: looks after set-ups that no caller waits for any more." },
);
