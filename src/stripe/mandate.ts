import type { Stripe } from "stripe";
import type { MandateAcceptance } from "../api/fields.ts";

/** The customer's acceptance as PaymentIntents and SetupIntents take it. */
export function acceptanceOf(
  mandate: MandateAcceptance,
): Stripe.PaymentIntentCreateParams.MandateData.CustomerAcceptance &
  Stripe.SetupIntentCreateParams.MandateData.CustomerAcceptance {
  switch (mandate.type) {
    case "offline":
      return { type: "offline" };
    case "online":
      return { type: "online", online: { ip_address: mandate.ipAddress, user_agent: mandate.userAgent } };
  }
}
