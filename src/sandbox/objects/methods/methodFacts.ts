import type { Stripe } from "stripe";
import type { Parameters } from "../../http/parameters.ts";
import type { Scenario } from "./scenario.ts";

/** The facts from which a PaymentMethod is made. */
export type MethodFacts = {
  readonly scenario: Scenario;
  /** The request's parameters under the type's name, and the name of that parameter in Stripe's errors. */
  readonly given: Parameters | undefined;
  readonly param: string;
  readonly nowMs: number;
};

/** The facts from which a Charge shows its payment method. */
export type ChargeFacts = {
  readonly paymentIntent: Stripe.PaymentIntent;
  readonly mandate: Stripe.Mandate | null;
  readonly nowMs: number;
};
