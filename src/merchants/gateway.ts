/**
 * The narrow gateway to Stripe. Every method is one request (a look-up aside) and gives a plain, journal-sized value: what
 * Stripe said, as far as a decision needs it. What is no answer is thrown, see `request.ts`.
 */
import { createStripeClient, type StripeTarget } from "../stripe/client.ts";
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

export type StripeGateway = ReturnType<typeof createStripeGateway>;

export function createStripeGateway(target: StripeTarget, pacing: PacerOptions = {}) {
  const stripe = createStripeClient(target, pacing);
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
    ...laterChanges(stripe),
    ...undeliveredEvents(stripe),
  };
}
