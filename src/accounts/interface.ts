import { iface } from "@restatedev/restate-sdk";

/** Who is to be connected to whom, and where the account's owner is brought after that. */
export type ConnectIntent = {
  readonly merchant: string;
  readonly returnUrl: string;
  /** In epoch milliseconds. */
  readonly expiresAtMs: number;
};

/** Who redeems a state; null where the state itself says for whom it was given out. */
export type RedeemRequest = { readonly merchant: string | null };

/** One object per `state` that is under way. */
export const connectStateInterface = iface.object(
  "connectState",
  {
    keep: iface.json<ConnectIntent>({ description: "Remembers what a state stands for, until it expires." }),
    redeem: iface.json<RedeemRequest, ConnectIntent | null>({
      description: "Tells what a state stands for, once. A merchant for whom it was not given out uses nothing up.",
    }),
    forget: iface.json({ description: "Forgets a state that nobody has redeemed." }),
  },
  { description: "Private: remembers the states of OAuth that were given out." },
);
