import type { Stripe } from "stripe";

/**
 * An account's standing with Stripe: the information that it owes, and what follows from that. Pure: an account goes in, an
 * account comes out.
 *
 *   new ──onboarding──▶ due for more, verifying, rejected, or in good standing ──▶ due later ──▶ disabled ──▶ …
 *
 * A capability that was requested is active in good standing, pending while something is verified, and inactive otherwise.
 * https://docs.stripe.com/connect/handling-api-verification
 */
type DisabledReason = NonNullable<Stripe.Account.Requirements["disabled_reason"]>;

export type Standing = {
  readonly hasSubmitted: boolean;
  /** The fields that Stripe wants now. */
  readonly due: readonly string[];
  /** The fields that Stripe looks at. */
  readonly pending: readonly string[];
  readonly disabledReason: DisabledReason | null;
  /** When the fields that are due disable the account, in Unix seconds; null where they have done so, or never will. */
  readonly deadline: number | null;
  readonly errors: readonly Stripe.Account.Requirements.Error[];
};

export const GOOD_STANDING: Standing = {
  hasSubmitted: true,
  due: [],
  pending: [],
  disabledReason: null,
  deadline: null,
  errors: [],
};

/** The account with the standing, and with everything that follows from it. */
export function withStanding(account: Stripe.Account, standing: Standing): Stripe.Account {
  const { hasSubmitted, due, pending, disabledReason, deadline, errors } = standing;
  const isPastDue = disabledReason === "requirements.past_due";
  const requested = Object.keys(account.capabilities ?? {});
  const status = statusIn(standing);
  return {
    ...account,
    capabilities: Object.fromEntries(requested.map((name) => [name, status])),
    charges_enabled: status === "active" && requested.some((name) => name.endsWith("_payments")),
    details_submitted: hasSubmitted,
    future_requirements: NOTHING_DUE,
    payouts_enabled: status === "active",
    requirements: {
      alternatives: [],
      current_deadline: deadline,
      currently_due: [...due],
      disabled_reason: disabledReason,
      errors: [...errors],
      eventually_due: [...due],
      past_due: isPastDue ? [...due] : [],
      pending_verification: [...pending],
    },
  };
}

function statusIn({ hasSubmitted, disabledReason }: Standing): "active" | "inactive" | "pending" {
  if (hasSubmitted && disabledReason === "requirements.pending_verification") return "pending";
  return hasSubmitted && disabledReason === null ? "active" : "inactive";
}

export function standingOf({ details_submitted, requirements }: Stripe.Account): Standing {
  return {
    hasSubmitted: details_submitted,
    due: requirements?.currently_due ?? [],
    pending: requirements?.pending_verification ?? [],
    disabledReason: requirements?.disabled_reason ?? null,
    deadline: requirements?.current_deadline ?? null,
    errors: requirements?.errors ?? [],
  };
}

/** An account that has told only what the platform said for it. */
export function newStanding(account: Stripe.Account): Standing {
  return {
    ...GOOD_STANDING,
    hasSubmitted: false,
    due: Object.entries(FIRST_FIELDS).flatMap(([field, isTold]) => (isTold(account) ? [] : [field])),
    disabledReason: "requirements.past_due",
  };
}

/** The fields that a new account owes; a platform may give some of them. */
const FIRST_FIELDS: Readonly<Record<string, (account: Stripe.Account) => boolean>> = {
  "business_profile.mcc": ({ business_profile }) => isGiven(business_profile?.mcc),
  "business_profile.url": ({ business_profile }) =>
    isGiven(business_profile?.url) || isGiven(business_profile?.product_description),
  business_type: ({ business_type }) => isGiven(business_type),
  external_account: () => false,
  "individual.dob.day": isOfCompany,
  "individual.dob.month": isOfCompany,
  "individual.dob.year": isOfCompany,
  "individual.first_name": isOfCompany,
  "individual.last_name": isOfCompany,
  "company.name": (account) => !isOfCompany(account),
  "company.tax_id": (account) => !isOfCompany(account),
  "tos_acceptance.date": ({ tos_acceptance }) => isGiven(tos_acceptance?.date),
  "tos_acceptance.ip": ({ tos_acceptance }) => isGiven(tos_acceptance?.ip),
};

function isOfCompany({ business_type }: Stripe.Account): boolean {
  return isGiven(business_type) && business_type !== "individual";
}

function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined && value !== "";
}

const NOTHING_DUE: Stripe.Account.FutureRequirements = {
  alternatives: [],
  current_deadline: null,
  currently_due: [],
  disabled_reason: null,
  errors: [],
  eventually_due: [],
  past_due: [],
  pending_verification: [],
};
