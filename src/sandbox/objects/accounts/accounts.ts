import type { Stripe } from "stripe";
import { ApiError, failure, refusal } from "../../http/apiError.ts";
import type { ApiCall, Endpoint } from "../../http/endpoint.ts";
import { listObjects } from "../../http/lists.ts";
import { mergeMetadata, type Parameters } from "../../http/parameters.ts";
import { get, post } from "../../http/resources.ts";
import { SUPPORTED_CURRENCIES } from "../../world/currencies.ts";
import { newId } from "../../world/identifiers.ts";
import { isPlatform } from "../../world/platforms.ts";
import { CAPABILITIES, withRequests } from "./capabilities.ts";
import { checkRejectable, readResponsibilities, type Responsibilities } from "./controllers.ts";
import { currencyOfCountry } from "./countries.ts";
import { leavePlatform } from "./leaving.ts";
import { findAccount, saveAccount } from "./savedAccounts.ts";
import { newStanding, type Standing, standingOf, withStanding } from "./standing.ts";

/** Connected accounts, and the one behind the key. https://docs.stripe.com/api/accounts */
export const ACCOUNTS: readonly Endpoint[] = [
  // The account behind the key, or the one that the `Stripe-Account` header names.
  get("/v1/account", currentAccount),
  get("/v1/accounts", listObjects("account")),
  get("/v1/accounts/:id", (call) =>
    call.id === call.unit.account ? currentAccount(call) : findAccount(call.unit, call.id),
  ),
  post("/v1/accounts", createAccount),
  post("/v1/accounts/:id", updateAccount),
  { method: "DELETE", path: "/v1/accounts/:id", run: deleteAccount },
  post("/v1/accounts/:id/reject", rejectAccount),
  ...CAPABILITIES,
];

/** A platform shows that it has told all it must. */
function currentAccount({ unit }: ApiCall): Stripe.Account {
  if (!isPlatform(unit.account)) return findAccount(unit, unit.account);
  return {
    id: unit.account,
    object: "account",
    business_profile: null,
    business_type: "company",
    capabilities: {},
    charges_enabled: true,
    country: "US",
    created: unit.nowSeconds,
    default_currency: "usd",
    details_submitted: true,
    email: "sandbox@example.com",
    metadata: {},
    payouts_enabled: true,
    type: "standard",
  };
}

function createAccount(call: ApiCall): Stripe.Account {
  const { parameters, unit } = call;
  if (!isPlatform(unit.account)) throw failure(NO_PLATFORM);
  const country = parameters.string("country") ?? "US";
  if (currencyOfCountry(country) === undefined) {
    const message = `${country} is not currently supported by Stripe.`;
    throw refusal(message, { code: "country_unsupported", param: "country" });
  }
  const blank = blankAccount(unit.nowSeconds, country, readResponsibilities(parameters));
  const account = write(blank, parameters);
  return saveAccount(call, null, withStanding(account, newStanding(account)));
}

const NO_PLATFORM =
  "You can only create new accounts if you've signed up for Connect, which you can learn how to do at https://stripe.com/docs/connect.";

function updateAccount(call: ApiCall): Stripe.Account {
  const before = findAccount(call.unit, call.id);
  const written = write(before, call.parameters);
  const isNew = !before.details_submitted && before.requirements?.disabled_reason === "requirements.past_due";
  const after = withStanding(written, isNew ? newStanding(written) : standingOf(written));
  saveAccount(call, before, after);
  call.unit.fire("account_updated", [after]);
  return after;
}

function deleteAccount(call: ApiCall): Stripe.DeletedAccount {
  const { id, object } = findAccount(call.unit, call.id);
  // An account that is deleted no longer lets the platform act for it.
  leavePlatform(call, id);
  call.unit.remove(id);
  return { id, object, deleted: true };
}

/** https://docs.stripe.com/api/account/reject */
function rejectAccount(call: ApiCall): Stripe.Account {
  const before = findAccount(call.unit, call.id);
  checkRejectable(before);
  const standing = standingOf(before);
  if (standing.disabledReason?.startsWith("rejected.") === true) {
    throw failure(`The account ${before.id} has already been rejected.`);
  }
  const disabledReason = reasonOf(call.parameters.string("reason") ?? "other");
  const after = withStanding(before, { ...standing, due: [], pending: [], errors: [], deadline: null, disabledReason });
  saveAccount(call, before, after);
  call.unit.fire("account_updated", [after]);
  return after;
}

function reasonOf(reason: string): Standing["disabledReason"] {
  if (reason.startsWith("fraud")) return "rejected.platform_fraud";
  return reason === "terms_of_service" ? "rejected.platform_terms_of_service" : "rejected.platform_other";
}

/** An account that has told nothing yet, so that it can't be paid. */
export function blankAccount(created: number, country: string, { type, controller }: Responsibilities): Stripe.Account {
  return {
    id: newId("acct").replace("_", "_1").slice(0, 21),
    object: "account",
    business_profile: null,
    business_type: null,
    capabilities: {},
    charges_enabled: false,
    controller,
    country,
    created,
    default_currency: currencyOfCountry(country) ?? "usd",
    details_submitted: false,
    email: null,
    metadata: {},
    payouts_enabled: false,
    tos_acceptance: { date: null, ip: null, user_agent: null },
    type,
  };
}

function write(before: Stripe.Account, parameters: Parameters): Stripe.Account {
  const currency = parameters.string("default_currency");
  if (currency !== undefined && !SUPPORTED_CURRENCIES.has(currency)) {
    const message = `Invalid currency: ${currency}.`;
    throw new ApiError(400, "refused", { type: "invalid_request_error", message, param: "default_currency" });
  }
  const terms = parameters.hash("tos_acceptance")?.plain();
  return {
    ...withRequests(before, parameters),
    business_profile: writeProfile(before.business_profile ?? null, parameters.hash("business_profile")?.plain()),
    business_type: parameters.text("business_type", before.business_type ?? null),
    default_currency: currency ?? before.default_currency ?? "usd",
    email: parameters.text("email", before.email),
    metadata: mergeMetadata(before.metadata ?? {}, parameters.metadata()),
    tos_acceptance: { ...before.tos_acceptance, ...terms },
  };
}

const BLANK_PROFILE: Stripe.Account.BusinessProfile = {
  mcc: null,
  minority_owned_business_designation: null,
  name: null,
  product_description: null,
  specified_commercial_transactions_act_url: null,
  support_address: null,
  support_email: null,
  support_phone: null,
  support_url: null,
  url: null,
};

const BLANK_ADDRESS: Stripe.Address = {
  city: null,
  country: null,
  line1: null,
  line2: null,
  postal_code: null,
  state: null,
};

function writeProfile(
  before: Stripe.Account.BusinessProfile | null,
  said: Readonly<Record<string, unknown>> | undefined,
): Stripe.Account.BusinessProfile | null {
  if (said === undefined) return before;
  const address = said["support_address"];
  const support_address = typeof address === "object" ? { ...BLANK_ADDRESS, ...address } : null;
  return {
    ...(before ?? BLANK_PROFILE),
    ...said,
    ...(address === undefined ? {} : { support_address }),
  };
}
