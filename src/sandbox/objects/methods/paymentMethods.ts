import type { Stripe } from "stripe";
import { cardError, failure, missing, parameterMissing, refusal } from "../../http/apiError.ts";
import type { ApiCall } from "../../http/endpoint.ts";
import { passesLuhn } from "./cards.ts";
import { declineFields } from "../../world/declines.ts";
import { newId } from "../../world/identifiers.ts";
import { mergeMetadata, type Parameters } from "../../http/parameters.ts";
import { readAddress } from "./paymentDetails.ts";
import { flowOf, isPaymentMethodType, showMethod } from "./paymentMethodTypes.ts";
import type { PaymentMethodType } from "./flow.ts";
import { findScenario, findScenarioByNumber, findUnnumbered, whyUnusable } from "./scenarios.ts";
import type { Scenario } from "./scenario.ts";
import { idOf } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

export type UsablePaymentMethod = { readonly paymentMethod: Stripe.PaymentMethod; readonly scenario: Scenario };

export function createPaymentMethod({ parameters, unit }: ApiCall): Stripe.PaymentMethod {
  const { paymentMethod, scenario } = makePaymentMethod(unit, parameters);
  return unit.save(paymentMethod, scenario.name);
}

export function retrievePaymentMethod({ id, unit }: ApiCall): Stripe.PaymentMethod {
  const { paymentMethod } = usePaymentMethod(unit, id, 404);
  return paymentMethod;
}

/** https://docs.stripe.com/api/payment_methods/attach */
export function attachPaymentMethod({ id, parameters, unit }: ApiCall): Stripe.PaymentMethod {
  const { paymentMethod, scenario } = usePaymentMethod(unit, id, 404);
  const customerId = parameters.string("customer") ?? "";
  if (unit.find("customer", customerId) === undefined) throw missing("customer", customerId, "customer");
  if (paymentMethod.customer !== null && paymentMethod.customer !== customerId) {
    throw failure("The payment method you provided has already been attached to a customer.", {
      code: "payment_method_unexpected_state",
    });
  }
  if (!scenario.attachable && scenario.attempt.kind === "declined") {
    const { decline } = scenario.attempt;
    throw cardError(decline.message, declineFields(decline));
  }
  refuseSpent(unit, paymentMethod);
  return attach(unit, paymentMethod, customerId);
}

export function attach(unit: UnitOfWork, paymentMethod: Stripe.PaymentMethod, customer: string): Stripe.PaymentMethod {
  const attached = unit.save({ ...paymentMethod, customer });
  unit.fire("payment_method_attached", [attached]);
  return attached;
}

/** https://docs.stripe.com/api/payment_methods/detach: a detached payment method can't be used again. */
export function detachPaymentMethod({ id, unit }: ApiCall): Stripe.PaymentMethod {
  const { paymentMethod } = usePaymentMethod(unit, id, 404);
  if (paymentMethod.customer === null) {
    throw failure("The payment method you provided is not attached to a customer so detachment is impossible.");
  }
  const detached = unit.save({ ...paymentMethod, customer: null });
  unit.spend(id, id);
  unit.fire("payment_method_detached", [detached]);
  return detached;
}

/** A payment takes its payment method, unless a customer has it or is to have it from now on. */
export function consume(
  unit: UnitOfWork,
  paymentMethod: Stripe.PaymentMethod,
  { customer, id, setup_future_usage }: Stripe.PaymentIntent,
): void {
  if (paymentMethod.customer !== null) return;
  const owner = setup_future_usage === null ? null : idOf(customer);
  if (owner === null) unit.spend(paymentMethod.id, id);
  else attach(unit, paymentMethod, owner);
}

export function refuseSpent(unit: UnitOfWork, { customer, id }: Stripe.PaymentMethod): void {
  if (customer !== null || !unit.isSpent(id)) return;
  throw failure(
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.",
    { param: "payment_method" },
  );
}

/** The stored PaymentMethod, or a new one when the id is one of Stripe's test methods (`pm_card_visa`). */
export function usePaymentMethod(unit: UnitOfWork, id: string, status: 400 | 404 = 400): UsablePaymentMethod {
  const template = id.startsWith("pm_") ? findScenario(id) : undefined;
  if (template !== undefined) {
    const paymentMethod = unit.save(buildPaymentMethod(unit, template, {}, emptyBilling()), template.name);
    return { paymentMethod, scenario: template };
  }
  const paymentMethod = unit.find("payment_method", id);
  const scenario = paymentMethod === undefined ? undefined : findScenarioOf(unit, id);
  if (paymentMethod === undefined || scenario === undefined)
    throw missing("PaymentMethod", id, "payment_method", status);
  return { paymentMethod, scenario };
}

export function findScenarioOf(unit: UnitOfWork, paymentMethodId: string): Scenario | undefined {
  const name = unit.scenarioName(paymentMethodId);
  return name === null ? undefined : findScenario(name);
}

export function makePaymentMethod(unit: UnitOfWork, parameters: Parameters, parent = ""): UsablePaymentMethod {
  const param = (name: string) => (parent === "" ? name : `${parent}[${name}]`);
  const type = parameters.string("type") ?? "";
  if (!isPaymentMethodType(type))
    throw refusal(`Invalid ${param("type")}: ${type} is unknown to this sandbox`, { param: param("type") });
  const billing = readBilling(parameters.hash("billing_details"));
  const details = parameters.hash(type);
  const scenario = pickScenario(type, details, billing.email, param(type));
  const metadata = mergeMetadata({}, parameters.metadata());
  const paymentMethod = buildPaymentMethod(unit, scenario, metadata, billing, details, param(type));
  return { paymentMethod: unit.save(paymentMethod, scenario.name), scenario };
}

/** The test card or account that the request names, or the one scenario that its type has. */
function pickScenario(
  type: PaymentMethodType,
  given: Parameters | undefined,
  email: string | null,
  param: string,
): Scenario {
  const flow = flowOf(type);
  switch (flow.kind) {
    case "immediate":
      return pickCard(given, param);
    case "debit":
      return pickAccount(type, given?.string(flow.numberField), `${param}[${flow.numberField}]`);
    case "redirect":
    case "bank_transfer":
    case "voucher": {
      const scenario = findUnnumbered(type, email);
      if (scenario === undefined) throw parameterMissing(param);
      return scenario;
    }
  }
}

/** Throws Stripe's error for a token or number that isn't one of its test cards. */
function pickCard(given: Parameters | undefined, param: string): Scenario {
  const token = given?.string("token");
  if (token !== undefined) {
    const scenario = token.startsWith("tok_") ? findScenario(token) : undefined;
    if (scenario === undefined) throw missing("token", token, `${param}[token]`);
    return scenario;
  }
  const number = given?.string("number")?.replaceAll(/[\s-]/g, "");
  if (number === undefined) throw parameterMissing(`${param}[number]`);
  for (const field of ["exp_month", "exp_year"]) {
    if (given?.integer(field) === undefined) throw parameterMissing(`${param}[${field}]`);
  }
  const scenario = findScenarioByNumber(number);
  if (scenario?.type === "card") return scenario;
  if (!passesLuhn(number)) {
    throw cardError("Your card number is incorrect.", { code: "incorrect_number", param: "number" });
  }
  throw cardError(
    "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test cards, visit: https://stripe.com/docs/testing.",
    { code: "card_declined", decline_code: "test_mode_live_card" },
  );
}

function pickAccount(type: PaymentMethodType, number: string | undefined, param: string): Scenario {
  if (number === undefined) throw parameterMissing(param);
  const scenario = findScenarioByNumber(number);
  if (scenario?.type === type) return scenario;
  const unusable = whyUnusable(number);
  if (unusable !== undefined) throw refusal(unusable.message, { code: unusable.code, param });
  const message = `In a sandbox, you must use one of Stripe's test accounts; ${number} is none of those this sandbox knows.`;
  throw refusal(message, { code: "payment_method_invalid_parameter_testmode", param });
}

function emptyBilling(): Stripe.PaymentMethod.BillingDetails {
  return { address: null, email: null, name: null, phone: null, tax_id: null };
}

function readBilling(billing: Parameters | undefined): Stripe.PaymentMethod.BillingDetails {
  if (billing === undefined) return emptyBilling();
  const field = (name: string) => billing.string(name) ?? null;
  return {
    address: readAddress(billing.hash("address")),
    email: field("email"),
    name: field("name"),
    phone: field("phone"),
    tax_id: field("tax_id"),
  };
}

function buildPaymentMethod(
  unit: UnitOfWork,
  scenario: Scenario,
  metadata: Record<string, string>,
  billing: Stripe.PaymentMethod.BillingDetails,
  given?: Parameters,
  param = "",
): Stripe.PaymentMethod {
  return {
    id: newId("pm"),
    object: "payment_method",
    allow_redisplay: "unspecified",
    billing_details: billing,
    created: unit.nowSeconds,
    customer: null,
    customer_account: null,
    livemode: false,
    metadata,
    type: scenario.type,
    ...showMethod({ scenario, given, param, nowMs: unit.nowMs }),
  };
}
