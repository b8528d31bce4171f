import type { Stripe } from "stripe";
import { failure, missing } from "../../http/apiError.ts";
import { applicationOf } from "../../world/platforms.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/** Who may get the money of whom: the accounts that are connected to the caller's, and the platform behind one of them. */

/** The account with that id if it is connected to the unit's own account. An account that has left is connected to none. */
export function connectedAccount(unit: UnitOfWork, id: string): Stripe.Account | undefined {
  return id === unit.account ? undefined : unit.find("account", id);
}

/** The application that makes the payments of the unit's account: its platform's, or none for an account by itself. */
export function applicationIdIn({ platform }: UnitOfWork): string | null {
  return platform === null ? null : applicationOf(platform).id;
}

/** Throws Stripe's 400 unless the account is connected and may get transfers; `param` names it. */
export function checkDestination(unit: UnitOfWork, id: string, param: string): void {
  const account = connectedAccount(unit, id);
  if (account === undefined) throw missing("destination", id, param);
  const { transfers, legacy_payments } = account.capabilities ?? {};
  if (transfers === "active" || legacy_payments === "active") return;
  const message =
    "Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments";
  throw failure(message, { code: "insufficient_capabilities_for_transfer", param });
}
