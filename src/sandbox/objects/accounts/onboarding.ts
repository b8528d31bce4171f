import type { Stripe } from "stripe";
import { DAY_MS, SECOND_MS } from "../../world/clock.ts";
import { withRequest } from "./capabilities.ts";
import { namesOfCapabilities } from "./capabilityObjects.ts";
import { GOOD_STANDING, type Standing, standingOf, withStanding } from "./standing.ts";

/**
 * The ends that an onboarding may have, and the turns that an account may take later. A person chooses one on the page of
 * an Account Link, a test by the control API.
 */
export const ONBOARDING_OUTCOMES = [
  "done",
  "more_due",
  "pending",
  "rejected",
  "left",
  "due_later",
  "disabled",
] as const;
export type OnboardingOutcome = (typeof ONBOARDING_OUTCOMES)[number];

const DOCUMENT = "individual.verification.document";
/** https://docs.stripe.com/connect/handling-api-verification: the time that an account has for a new requirement. */
const GRACE_SECONDS = (14 * DAY_MS) / SECOND_MS;

const OVERDUE: Standing = {
  ...GOOD_STANDING,
  due: [DOCUMENT],
  disabledReason: "requirements.past_due",
  errors: [
    {
      code: "verification_document_not_readable",
      reason: "The document could not be read. Upload a clear image of it.",
      requirement: DOCUMENT,
    },
  ],
};

const STANDINGS: Readonly<Record<OnboardingOutcome, (before: Standing, nowSeconds: number) => Standing>> = {
  done: () => GOOD_STANDING,
  more_due: () => OVERDUE,
  pending: () => ({ ...GOOD_STANDING, pending: [DOCUMENT], disabledReason: "requirements.pending_verification" }),
  rejected: () => ({ ...GOOD_STANDING, disabledReason: "rejected.other" }),
  left: (before) => before,
  due_later: (before, nowSeconds) => ({ ...before, due: [DOCUMENT], deadline: nowSeconds + GRACE_SECONDS }),
  disabled: () => OVERDUE,
};

/** Asked for by an account for which nobody asked for any. */
const DEFAULT_CAPABILITIES = ["card_payments", "transfers"];
/** An account with Stripe's full dashboard takes what its dashboard has switched on. */
const DASHBOARD_CAPABILITIES = [
  ...DEFAULT_CAPABILITIES,
  "link_payments",
  "sepa_debit_payments",
  "us_bank_account_ach_payments",
];

export function withOutcome(account: Stripe.Account, outcome: OnboardingOutcome, nowSeconds: number): Stripe.Account {
  const standing = STANDINGS[outcome](standingOf(account), nowSeconds);
  if (outcome === "left") return account;
  return withStanding(withDefaults(account), standing);
}

/** The answers that every onboarding gives. */
function withDefaults(account: Stripe.Account): Stripe.Account {
  const isFull = account.controller?.type === "account" || account.controller?.stripe_dashboard?.type === "full";
  const asked = namesOfCapabilities(account);
  const names = asked.length > 0 ? asked : isFull ? DASHBOARD_CAPABILITIES : DEFAULT_CAPABILITIES;
  return {
    ...names.reduce((before, name) => withRequest(before, name, true), account),
    business_type: account.business_type ?? "individual",
  };
}
