/** The gateway's requests about connected accounts. */
import type { Stripe } from "stripe";
import type { AccountState, CreateAccountRequest, OnboardingLink } from "../contract.ts";
import type { SeenAccount } from "../rules.ts";
import { madeBy, pageQuery, type Creation } from "../../stripe/creation.ts";
import { makersMarks, type Maker } from "../../stripe/metadata.ts";
import type { Refusal } from "../../stripe/errorMeaning.ts";
import {
  ask,
  expectObject,
  refusalMessage,
  sendOnce,
  StripeAccessError,
  unexpectedAnswer,
  unlessAccountGone,
  type FixedRequest,
  type Page,
  type Sent,
} from "../../stripe/request.ts";

export type AccountParameters = Stripe.AccountCreateParams;

type HangAccountResult =
  | { readonly kind: "hung"; readonly seen: SeenAccount }
  | { readonly kind: "refused"; readonly message: string };

type LinkResult =
  | { readonly kind: "link"; readonly link: OnboardingLink }
  | { readonly kind: "refused"; readonly refusal: Refusal };

const left: SeenAccount = { kind: "left" };

/**
 * Who pays Stripe, answers for losses and collects what Stripe has to know, by the dashboard: Stripe's Standard, Express and Custom
 * accounts. https://docs.stripe.com/connect/migrate-to-controller-properties
 */
const controllers: Readonly<Record<CreateAccountRequest["dashboard"], Stripe.AccountCreateParams.Controller>> = {
  full: {
    fees: { payer: "account" },
    losses: { payments: "stripe" },
    requirement_collection: "stripe",
    stripe_dashboard: { type: "full" },
  },
  express: {
    fees: { payer: "application" },
    losses: { payments: "application" },
    requirement_collection: "stripe",
    stripe_dashboard: { type: "express" },
  },
  none: {
    fees: { payer: "application" },
    losses: { payments: "application" },
    requirement_collection: "application",
    stripe_dashboard: { type: "none" },
  },
};

/** An account with Stripe's full dashboard asks for its capabilities there. */
const capabilities: Stripe.AccountCreateParams.Capabilities = {
  card_payments: { requested: true },
  transfers: { requested: true },
};

/** The parameters of one account. https://docs.stripe.com/api/accounts/create */
export function accountParameters(request: CreateAccountRequest, maker: Maker): AccountParameters {
  const { dashboard, email, country, metadata } = request;
  return {
    controller: controllers[dashboard],
    ...(dashboard === "full" ? {} : { capabilities }),
    ...(email === undefined ? {} : { email }),
    ...(country === undefined ? {} : { country }),
    metadata: { ...metadata, ...makersMarks(maker) },
  };
}

export function accountRequests(stripe: Stripe) {
  return {
    /** Creates an account. https://docs.stripe.com/api/accounts/create */
    async createAccount(request: FixedRequest<AccountParameters>): Promise<Sent<AccountState>> {
      return await sendOnce(request, async (parameters, options) =>
        seen(await stripe.accounts.create(parameters, options)),
      );
    },

    /**
     * Looks on one page of the connected accounts for those that a call made. https://docs.stripe.com/api/accounts/list
     * @param after the `next` of the page before, or null for the first page
     */
    async listAccounts(creation: Creation, after: string | null): Promise<Page<string>> {
      return await ask<Page<string>>(
        async () => {
          const page = expectObject("list", await stripe.accounts.list(pageQuery(creation, after)));
          const data = page.data.map(({ id, created = 0, metadata = null }) => ({ id, created, metadata }));
          return madeBy(creation, { has_more: page.has_more, data }, ({ id }) => id);
        },
        (meaning) => unexpectedAnswer("list the connected accounts", meaning),
      );
    },

    /** Reads an account. https://docs.stripe.com/api/accounts/retrieve */
    async readAccount(accountId: string): Promise<SeenAccount> {
      return await unlessAccountGone(
        ask<SeenAccount>(
          async () => ({ kind: "account", account: seen(await stripe.accounts.retrieve(accountId)) }),
          (meaning) =>
            meaning.kind === "missing" || meaning.kind === "refused"
              ? left
              : unexpectedAnswer("read the account", meaning),
        ),
        left,
      );
    },

    /** Writes a doorbell's address into an account's metadata; the answer is a read. https://docs.stripe.com/api/accounts/update */
    async hangAccountDoorbell(accountId: string, callbackKey: string, address: string): Promise<HangAccountResult> {
      const hanging = ask<HangAccountResult>(
        async () => {
          const updated = await stripe.accounts.update(accountId, { metadata: { [callbackKey]: address } });
          return { kind: "hung", seen: { kind: "account", account: seen(updated) } };
        },
        (meaning) => ({ kind: "refused", message: refusalMessage("update the account", meaning) }),
      );
      try {
        return await unlessAccountGone(hanging, { kind: "hung", seen: left });
      } catch (error) {
        // A platform may read accounts that it may not change: it polls then.
        if (!(error instanceof StripeAccessError) || error.problem !== "forbidden") throw error;
        return { kind: "refused", message: error.message };
      }
    },

    /**
     * Makes a link to Stripe's onboarding. Whoever has it acts as the account's owner: this is no answer to record.
     * https://docs.stripe.com/api/account_links/create
     */
    async createOnboardingLink(
      accountId: string,
      { returnUrl, refreshUrl }: { readonly returnUrl: string; readonly refreshUrl: string },
      idempotencyKey: string,
    ): Promise<LinkResult> {
      return await ask<LinkResult>(
        async () => {
          const link = await stripe.accountLinks.create(
            {
              account: accountId,
              type: "account_onboarding",
              return_url: returnUrl,
              refresh_url: refreshUrl,
            },
            { idempotencyKey },
          );
          const { url, expires_at } = expectObject("account_link", link);
          return { kind: "link", link: { url, expiresAt: new Date(expires_at * 1000).toISOString() } };
        },
        (meaning) =>
          meaning.kind === "missing" || meaning.kind === "refused"
            ? { kind: "refused", refusal: meaning.refusal }
            : unexpectedAnswer("make the onboarding link", meaning),
      );
    },
  };
}

function seen(account: Stripe.Account): AccountState {
  const { id, charges_enabled, payouts_enabled, details_submitted, requirements } = expectObject("account", account);
  return {
    accountId: id,
    chargesEnabled: charges_enabled,
    payoutsEnabled: payouts_enabled,
    detailsSubmitted: details_submitted,
    // An account that came by OAuth doesn't tell its platform.
    requirementsDue: requirements?.currently_due ?? [],
    disabledReason: requirements?.disabled_reason ?? null,
  };
}
