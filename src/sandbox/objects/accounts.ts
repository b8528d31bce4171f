import type { Stripe } from "stripe";
import type { ApiCall, Endpoint } from "../http/endpoint.ts";
import { newId } from "../world/identifiers.ts";
import { mergeMetadata } from "../http/parameters.ts";
import { get, readable, retrieve, writable } from "../http/resources.ts";

/** Connected accounts, and the one behind the key. https://docs.stripe.com/api/accounts */
export const ACCOUNTS: readonly Endpoint[] = [
  // The account behind the key, or the one that the `Stripe-Account` header names.
  get("/v1/account", currentAccount),
  ...readable("account", "/v1/accounts"),
  ...writable("account", "/v1/accounts", {
    blank: ({ parameters, unit }: ApiCall) => ({
      ...blankAccount(newId("acct").replace("_", "_1"), unit.nowSeconds),
      country: parameters.string("country") ?? "US",
      type: parameters.string("type") ?? "standard",
    }),
    write: (before, { parameters }) => ({
      ...before,
      business_type: parameters.text("business_type", before.business_type ?? null),
      email: parameters.text("email", before.email),
      metadata: mergeMetadata(before.metadata ?? {}, parameters.metadata()),
    }),
    created: null,
    updated: "account_updated",
  }),
  {
    method: "DELETE",
    path: "/v1/accounts/:id",
    run: (call) => {
      const { id, object } = retrieve(call, "account");
      call.unit.remove(id);
      // An account that is deleted no longer lets the platform act for it.
      call.unit.fire("account_left", [APPLICATION], null, id);
      return { id, object, deleted: true };
    },
  },
];

/** An account that no request made, the platform's own among them, shows that it has told all it must. */
function currentAccount({ store, unit }: ApiCall): Stripe.Account {
  const made = store.row("SELECT body FROM objects WHERE id = ? AND kind = 'account'", unit.account);
  if (made !== undefined) return JSON.parse(String(made["body"])) as Stripe.Account;
  return {
    ...blankAccount(unit.account, unit.nowSeconds),
    business_type: "company",
    charges_enabled: true,
    details_submitted: true,
    email: "sandbox@example.com",
    payouts_enabled: true,
  };
}

/** The platform, as connected accounts know it. */
const APPLICATION: Stripe.Application = { id: "ca_sandbox_platform", object: "application", name: "Sandbox platform" };

/** An account that has told nothing yet, so that it can't be paid. */
function blankAccount(id: string, created: number): Stripe.Account {
  return {
    id,
    object: "account",
    business_profile: null,
    business_type: null,
    capabilities: {},
    charges_enabled: false,
    country: "US",
    created,
    default_currency: "usd",
    details_submitted: false,
    email: null,
    metadata: {},
    payouts_enabled: false,
    type: "standard",
  };
}
