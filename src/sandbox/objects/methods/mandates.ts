import type { Stripe } from "stripe";
import { failure, missing, parameterMissing, refusal } from "../../http/apiError.ts";
import type { Endpoint } from "../../http/endpoint.ts";
import { newId, randomText } from "../../world/identifiers.ts";
import type { Parameters } from "../../http/parameters.ts";
import { flowOf } from "./paymentMethodTypes.ts";
import type { UsablePaymentMethod } from "./paymentMethods.ts";
import { get, retrieve } from "../../http/resources.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/**
 * A customer's permission to debit their bank account: given with the request, named by its id, or given earlier for as
 * many payments as come. https://docs.stripe.com/api/mandates
 */
export type Acceptance = Stripe.Mandate.CustomerAcceptance;
export type MandateChoice =
  | { readonly kind: "accepted"; readonly acceptance: Acceptance }
  | { readonly kind: "named"; readonly id: string }
  | { readonly kind: "not_given" };

export const MANDATES: readonly Endpoint[] = [get("/v1/mandates/:id", (call) => retrieve(call, "mandate"))];

export function readMandate(parameters: Parameters): MandateChoice {
  const acceptance = parameters.hash("mandate_data")?.hash("customer_acceptance");
  if (acceptance !== undefined) return { kind: "accepted", acceptance: readAcceptance(acceptance) };
  const id = parameters.string("mandate");
  return id === undefined ? { kind: "not_given" } : { kind: "named", id };
}

function readAcceptance(given: Parameters): Acceptance {
  const accepted_at = given.integer("accepted_at") ?? null;
  if (given.string("type") !== "online") return { accepted_at, offline: {}, type: "offline" };
  const field = (name: string) => {
    const value = given.hash("online")?.string(name);
    if (value !== undefined) return value;
    throw parameterMissing(`mandate_data[customer_acceptance][online][${name}]`);
  };
  const online = { ip_address: field("ip_address"), user_agent: field("user_agent") };
  return { accepted_at, online, type: "online" };
}

/** Whether the mandate covers one payment alone, or later payments as well. */
export type MandateUse =
  | { readonly kind: "single_use"; readonly amount: number; readonly currency: string }
  | { readonly kind: "multi_use" };

/**
 * The mandate that the request brings or that was given before; null where none is needed. Throws a 400 where it is
 * missing.
 */
export function findMandate(
  unit: UnitOfWork,
  { paymentMethod, scenario }: UsablePaymentMethod,
  choice: MandateChoice,
  use: MandateUse,
  intent: { readonly object: "payment_intent" | "setup_intent" },
): Stripe.Mandate | null {
  if (choice.kind === "named") {
    const named = unit.find("mandate", choice.id);
    if (named === undefined) throw missing("mandate", choice.id, "mandate");
    if (named.payment_method === paymentMethod.id) return named;
    throw refusal(`The mandate ${choice.id} is not for the PaymentMethod ${paymentMethod.id}.`, { param: "mandate" });
  }
  if (flowOf(scenario.type).kind !== "debit") return null;
  if (choice.kind === "accepted") return makeMandate(unit, paymentMethod, choice.acceptance, use);
  const given = unit
    .findByField("mandate", "payment_method", paymentMethod.id)
    .find(({ type }) => type === "multi_use");
  if (given !== undefined) return given;
  const noun = intent.object === "payment_intent" ? "PaymentIntent" : "SetupIntent";
  throw failure(
    `This ${noun} requires a mandate, but no existing mandate was found. Collect mandate acceptance from the customer and try again, providing acceptance data in the mandate_data parameter.`,
    { param: "mandate_data" },
  );
}

function makeMandate(
  unit: UnitOfWork,
  { id, type }: Stripe.PaymentMethod,
  acceptance: Acceptance,
  use: MandateUse,
): Stripe.Mandate {
  const reference = randomText(16).toUpperCase();
  const url = `${unit.pace.baseUrl()}/_sandbox/mandate/${reference}`;
  return unit.save<Stripe.Mandate>({
    id: newId("mandate"),
    object: "mandate",
    customer_acceptance: { ...acceptance, accepted_at: acceptance.accepted_at ?? unit.nowSeconds },
    livemode: false,
    ...(use.kind === "multi_use" ? { multi_use: {} } : { single_use: { amount: use.amount, currency: use.currency } }),
    payment_method: id,
    payment_method_details: { type, ...(type === "sepa_debit" ? { sepa_debit: { reference, url } } : { [type]: {} }) },
    status: "active",
    type: use.kind,
  });
}
