/**
 * A connected account belongs to somebody else, for whom a platform acts: until Stripe knows enough of its owner it can't be charged
 * for, and its owner may leave at any time.
 *
 * https://docs.stripe.com/connect/handling-api-verification
 */
import type { AccountState } from "./contract.ts";

/** What one read of Stripe said of an account. `left`: it is not connected, or no longer; Stripe doesn't tell the one from the other. */
export type SeenAccount = { readonly kind: "account"; readonly account: AccountState } | { readonly kind: "left" };

/** What an account means to somebody who waits until it can be charged for. */
export type OnboardingJudgement =
  | { readonly kind: "pending" }
  | { readonly kind: "enabled"; readonly account: AccountState }
  /** Stripe disabled it for good. */
  | { readonly kind: "rejected"; readonly reason: string }
  | { readonly kind: "left" };

/** Any other reason to disable an account ends once its owner has told what is due. */
const forGood = "rejected.";

export function judgeOnboarding(seen: SeenAccount): OnboardingJudgement {
  if (seen.kind === "left") return { kind: "left" };
  const { account } = seen;
  const { disabledReason } = account;
  if (disabledReason?.startsWith(forGood) === true) return { kind: "rejected", reason: disabledReason };
  return account.chargesEnabled ? { kind: "enabled", account } : { kind: "pending" };
}

/** A transfer as far as its reversals need to know it, in minor units. */
export type TransferSums = { readonly amount: number; readonly amountReversed: number };

/** Why no reversal of this amount can be made of a transfer; null where nothing stands against it. */
export function reversalObstacle(
  { amount, amountReversed }: TransferSums,
  askedMinor: number | undefined,
): { readonly kind: "conflict"; readonly message: string } | null {
  const leftMinor = amount - amountReversed;
  if (leftMinor >= (askedMinor ?? 1)) return null;
  return { kind: "conflict", message: `Only ${leftMinor} of ${amount} is left of the transfer.` };
}
