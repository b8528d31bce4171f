import type { Stripe } from "stripe";
import type { Parameters } from "../../http/parameters.ts";
import type { Scenario } from "./scenario.ts";

/** What is known when a PaymentMethod is made. */
export type MethodFacts = {
  readonly scenario: Scenario;
  /** What the request says under the type's name, and how it calls that. */
  readonly given: Parameters | undefined;
  readonly param: string;
  readonly nowMs: number;
};

/** What is known when a Charge shows its payment method. */
export type ChargeFacts = {
  readonly paymentIntent: Stripe.PaymentIntent;
  readonly mandate: Stripe.Mandate | null;
  readonly nowMs: number;
};
