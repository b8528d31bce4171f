import { isDeepStrictEqual } from "node:util";
import type { Stripe } from "stripe";
import { accountInvalid } from "../../http/authentication.ts";
import { failure } from "../../http/apiError.ts";
import { isPlatform } from "../../world/platforms.ts";
import type { Store } from "../../world/store.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";
import { capabilityOf, namesOfCapabilities, rememberRequests } from "./capabilityObjects.ts";

/** Reading and writing connected accounts, with the events of what changed. */
export type Desk = { readonly unit: UnitOfWork; readonly store: Store };

/** The account that the caller may see under this id: itself, or one that is connected to it. Else Stripe's 403. */
export function findAccount(unit: UnitOfWork, id: string): Stripe.Account {
  const account = unit.find("account", id) ?? (id === unit.account ? unit.readOwnAccount() : undefined);
  if (account === undefined) throw accountInvalid(id);
  return account;
}

/** Saves the account and fires an event for each capability that changed; `before` is null for a new account. */
export function saveAccount(desk: Desk, before: Stripe.Account | null, after: Stripe.Account): Stripe.Account {
  const { unit, store } = desk;
  unit.save(after);
  const former = before?.capabilities as Readonly<Record<string, string>> | undefined;
  const now = namesOfCapabilities(after);
  const gone = Object.keys(former ?? {}).filter((name) => !now.includes(name));
  const isNew = (name: string) => former?.[name] === undefined;
  rememberRequests(desk, after.id, now.filter(isNew), gone);
  for (const name of [...now, ...gone]) {
    const capability = capabilityOf(store, after, name, isNew(name) ? unit.nowSeconds : null);
    const status = former?.[name] ?? "unrequested";
    if (capability.status === status) continue;
    const isRequest = isNew(name) ? { requested: false } : {};
    unit.fireCapability(capability, { ...isRequest, status });
  }
  return after;
}

/** Saves a change that Stripe or the account's owner made, and fires `account.updated` if anything differs. */
export function changeAccount(desk: Desk, before: Stripe.Account, after: Stripe.Account): Stripe.Account {
  if (isDeepStrictEqual(before, after)) return before;
  saveAccount(desk, before, after);
  desk.unit.fire("account_updated", [after]);
  return after;
}

/** Refuses a payment on an account that may take none. https://docs.stripe.com/connect/account-capabilities */
export function checkCharges(unit: UnitOfWork): void {
  if (isPlatform(unit.account) || unit.readOwnAccount()?.charges_enabled !== false) return;
  throw failure("Your account cannot currently make charges.");
}
