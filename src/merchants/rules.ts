/** Whose money a call is about. Every journal, object, doorbell, notification and line of the log belongs to one account. */

/** A merchant of ours, and the connected account of theirs that is acted on; null for their own. */
export type Account = { readonly merchant: string; readonly stripeAccount: string | null };

/** How a request says it. */
export type Addressed = { readonly merchant?: string | undefined; readonly stripeAccount?: string | undefined };

/** The merchant of the environment's settings. */
export const defaultMerchant = "default";

/** The account of who has one merchant, and no marketplace. */
export const defaultAccount: Account = { merchant: defaultMerchant, stripeAccount: null };

export function accountOf({ merchant, stripeAccount }: Addressed): Account {
  return { merchant: merchant ?? defaultMerchant, stripeAccount: stripeAccount ?? null };
}

/** What a request has to say to be about the account: nothing for the default. */
export function addressOf({ merchant, stripeAccount }: Account): Partial<{ merchant: string; stripeAccount: string }> {
  return {
    ...(merchant !== defaultMerchant && { merchant }),
    ...(stripeAccount !== null && { stripeAccount }),
  };
}

export function isDefault({ merchant, stripeAccount }: Account): boolean {
  return merchant === defaultMerchant && stripeAccount === null;
}

/** The largest amount of a charge in each currency, in minor units. */
export type Limits = Readonly<Record<string, number>>;

/** Why a charge is beyond what a merchant is to charge; null where it is not. Where there are limits, a currency without one is refused. */
export function limitProblem(
  limits: Limits | null,
  { amount, currency }: { readonly amount: number; readonly currency: string },
): { readonly field: "amount" | "currency"; readonly message: string } | null {
  if (limits === null) return null;
  const limit = limits[currency];
  if (limit === undefined) {
    const allowed = Object.keys(limits).toSorted().join(", ");
    return { field: "currency", message: `This merchant takes no ${currency}: only ${allowed}.` };
  }
  if (amount <= limit) return null;
  return { field: "amount", message: `This merchant charges at most ${limit} (${currency}, in minor units) at once.` };
}

const ownMark = "own";

/** A merchant's id: what a person writes into a file, an address and a command. */
export const merchantIdPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/**
 * The name of something of an account among all accounts: `<merchant>/<acct_… or own>/<name>`, or the name alone for the default
 * account. Names that may have slashes in them need a prefix with a colon, which no merchant's id has.
 */
export function keyOf(account: Account, name: string): string {
  if (isDefault(account)) return name;
  return `${account.merchant}/${account.stripeAccount ?? ownMark}/${name}`;
}

/** The account and the name that a key was made of. */
export function readKey(key: string): { readonly account: Account; readonly name: string } {
  const [, merchant = "", acting, name] = /^([^/]+)\/(own|acct_\w+)\/(.*)$/s.exec(key) ?? [];
  if (!merchantIdPattern.test(merchant) || acting === undefined || name === undefined) {
    return { account: defaultAccount, name: key };
  }
  return { account: { merchant, stripeAccount: acting === ownMark ? null : acting }, name };
}

/** How an account is named in a line of the log; empty for the default. */
export function labelOf({ merchant, stripeAccount }: Account): string {
  return [merchant === defaultMerchant ? null : merchant, stripeAccount].filter((part) => part !== null).join(" ");
}
