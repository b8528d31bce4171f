import { z } from "zod";
import { leavePlatform } from "../objects/accounts/leaving.ts";
import { ONBOARDING_OUTCOMES, withOutcome } from "../objects/accounts/onboarding.ts";
import { changeAccount, type Desk } from "../objects/accounts/savedAccounts.ts";
import type { Parts } from "../objects/parts.ts";
import { platformOf } from "../world/platforms.ts";
import { ControlError } from "./controlError.ts";

/** Interventions by the owners of connected accounts, and by Stripe, which looks at what they say. */
export const onboardOrder = z.strictObject({ account: z.string(), outcome: z.enum(ONBOARDING_OUTCOMES) });
export const deauthorizeOrder = z.strictObject({ account: z.string() });

/** The account's owner ends an onboarding so, or Stripe finds this later. Gives the account as it is then. */
export async function onboard(parts: Parts, { account, outcome }: z.output<typeof onboardOrder>): Promise<unknown> {
  return await actOn(parts, account, (desk) => {
    const before = desk.unit.find("account", account);
    if (before === undefined) throw new ControlError(404, `There is no account '${account}'.`);
    return changeAccount(desk, before, withOutcome(before, outcome, desk.unit.nowSeconds));
  });
}

/** The account's owner disconnects the platform in his dashboard. */
export async function deauthorize(parts: Parts, { account }: z.output<typeof deauthorizeOrder>): Promise<unknown> {
  const platform = platformOf(parts.store, account);
  return await actOn(parts, account, (desk) => {
    const shown = desk.unit.find("account", account)?.controller;
    if (platform === null) throw new ControlError(409, `'${account}' is connected to no platform.`);
    if (shown?.type === "application" && shown.stripe_dashboard?.type !== "full") {
      const message = `The owner of '${account}' has no full dashboard in which he could disconnect the platform. Delete the account, or use /oauth/deauthorize.`;
      throw new ControlError(409, message);
    }
    leavePlatform(desk, account);
    return { account, platform };
  });
}

/** Works in the platform of the account, or in an account that has left, and sends the events. */
async function actOn<T>({ store, ledger, deliveries }: Parts, account: string, work: (desk: Desk) => T): Promise<T> {
  const owner = store.row("SELECT account FROM objects WHERE id = ? AND kind = 'account'", account)?.["account"];
  if (typeof owner !== "string") throw new ControlError(404, `There is no account '${account}'.`);
  const unit = ledger.begin(owner);
  const result = work({ unit, store });
  await deliveries.dispatch(await ledger.commit(unit));
  return result;
}
