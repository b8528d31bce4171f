import { iface } from "@restatedev/restate-sdk";

/** Who is to be connected to whom, and where the account's owner is brought after that. */
export type ConnectIntent = {
  readonly merchant: string;
  readonly returnUrl: string;
  /** In epoch milliseconds. */
  readonly expiresAtMs: number;
};

/** One object per `state` that is under way. */
export const connectStateInterface = iface.object(
  "connectState",
  {
    keep: iface.json<ConnectIntent>({ description: "Remembers what a state stands for, until it expires." }),
    redeem: iface.json<void, ConnectIntent | null>({ description: "Tells what a state stands for, once." }),
    forget: iface.json({ description: "Forgets a state that nobody has redeemed." }),
  },
  { description: "Private: remembers the states of OAuth that were given out." },
);
