/**
 * The narrow gateway to Stripe. Every method is one request (a look-up aside) and gives a plain, journal-sized value: what
 * Stripe said, as far as a decision needs it. What is no answer is thrown, see `request.ts`.
 */
import type { Stripe } from "stripe";
import { openStripeClients, type StripeTarget } from "../stripe/client.ts";
import { accountRequests } from "../accounts/stripe/accounts.ts";
import { oauthRequests } from "../accounts/stripe/oauth.ts";
import { transferRequests } from "../accounts/stripe/transfers.ts";
import { laterChanges } from "../notifications/stripe.ts";
import { paymentRequests } from "../payments/stripe/requests.ts";
import { paymentSearch } from "../payments/stripe/search.ts";
import { customerRequests } from "../customers/stripe.ts";
import { disputeRequests } from "../disputes/stripe.ts";
import { refundRequests } from "../refunds/stripe.ts";
import { setupRequests } from "../setups/stripe/requests.ts";
import type { PacerOptions } from "../stripe/pacing.ts";
import type { FixedRequest } from "../stripe/request.ts";
import { undeliveredEvents } from "../webhooks/stripe.ts";
import { ownersOnly } from "./ownership/ownersOnly.ts";

export type StripeGateway = Requests & {
  /** The same for a connected account. https://docs.stripe.com/connect/authentication */
  onBehalf(stripeAccount: string): StripeGateway;
};

type Requests = ReturnType<typeof requestsTo>;

const stripeConnectBase = "https://connect.stripe.com";

/** A marketplace may have many thousands of connected accounts; those that are acted on again and again are few. */
const keptGateways = 1000;

export type GatewayTarget = Omit<StripeTarget, "guard"> & {
  /**
   * The merchant whose gateway it is, where others may have the same Stripe account: what is theirs is then as if it didn't exist. Left
   * out where there is one merchant.
   */
  readonly sharedBy?: string;
};

export function createStripeGateway({ sharedBy, ...target }: GatewayTarget, pacing: PacerOptions = {}): StripeGateway {
  const { apiBase: connectBase = stripeConnectBase } = target;
  const guard = sharedBy === undefined ? {} : { guard: ownersOnly(sharedBy) };
  const open = openStripeClients({ ...target, ...guard }, pacing);
  const gateways = new Map<string, StripeGateway>();
  const onBehalf = (stripeAccount: string): StripeGateway => {
    const gateway = gateways.get(stripeAccount) ?? { ...requestsTo(open(stripeAccount), connectBase), onBehalf };
    gateways.delete(stripeAccount);
    gateways.set(stripeAccount, gateway);
    const [oldest] = gateways.keys();
    if (gateways.size > keptGateways && oldest !== undefined) gateways.delete(oldest);
    return gateway;
  };
  return { ...requestsTo(open(null), connectBase), onBehalf };
}

/** @param connectBase where Stripe's pages of Connect are */
function requestsTo(stripe: Stripe, connectBase: string) {
  return {
    /** Fixes a request: made once, journaled, and sent as it is at every attempt. */
    fixRequest<Parameters>(parameters: Parameters, idempotencyKey: string): FixedRequest<Parameters> {
      return { parameters, idempotencyKey, fixedAtMs: Date.now() };
    },
    ...paymentRequests(stripe),
    ...paymentSearch(stripe),
    ...refundRequests(stripe),
    ...setupRequests(stripe),
    ...customerRequests(stripe),
    ...disputeRequests(stripe),
    ...accountRequests(stripe),
    ...oauthRequests(stripe, connectBase),
    ...transferRequests(stripe),
    ...laterChanges(stripe),
    ...undeliveredEvents(stripe),
  };
}
