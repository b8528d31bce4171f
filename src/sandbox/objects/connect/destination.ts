import type { Stripe } from "stripe";
import { failure, missing } from "../../http/apiError.ts";
import { PLATFORM_ACCOUNT } from "../../world/identifiers.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/** Who may get the money of whom: the accounts that are connected to the caller's, and the platform behind one of them. */

/** The platform's name at its connected accounts. */
export const APPLICATION_ID = "ca_sandbox_platform";

/** The account with that id if it is connected to the unit's own account. */
export function connectedAccount(unit: UnitOfWork, id: string): Stripe.Account | undefined {
  return unit.find("account", id);
}

/** The account that the unit's account is connected to, or its own where it is a platform. */
export function platformOf(unit: UnitOfWork): string {
  return unit.account === PLATFORM_ACCOUNT ? unit.account : (unit.ownerOf(unit.account) ?? PLATFORM_ACCOUNT);
}

export function isConnected(unit: UnitOfWork): boolean {
  return platformOf(unit) !== unit.account;
}

/** Throws Stripe's 400 unless the account is connected and may get transfers; `param` names it. */
export function checkDestination(unit: UnitOfWork, id: string, param: string): void {
  const account = connectedAccount(unit, id);
  if (account === undefined) throw missing("destination", id, param);
  if (mayGetTransfers(account)) return;
  const message =
    "Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments";
  throw failure(message, { code: "insufficient_capabilities_for_transfer", param });
}

/** An account that shows no capabilities at all was made without a word about them, and is taken as able. */
function mayGetTransfers({ capabilities = {} }: Stripe.Account): boolean {
  if (Object.keys(capabilities).length === 0) return true;
  return capabilities.transfers === "active" || capabilities.legacy_payments === "active";
}
