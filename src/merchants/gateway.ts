/**
 * The narrow gateway to Stripe. Every method is one request (a look-up aside) and gives a plain, journal-sized value: what
 * Stripe said, as far as a decision needs it. What is no answer is thrown, see `request.ts`.
 */
import { createStripeClient, type StripeTarget } from "./client.ts";
import { laterChanges } from "./laterChanges.ts";
import { paymentRequests } from "./paymentRequests.ts";
import { paymentSearch } from "./paymentSearch.ts";
import { customerRequests } from "./customerRequests.ts";
import { disputeRequests } from "./disputeRequests.ts";
import { refundRequests } from "./refundRequests.ts";
import { setupRequests } from "./setupRequests.ts";
import type { FixedRequest } from "./request.ts";
import { undeliveredEvents } from "./undeliveredEvents.ts";

export type StripeGateway = ReturnType<typeof createStripeGateway>;

export function createStripeGateway(target: StripeTarget) {
  const stripe = createStripeClient(target);
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
