import type { Stripe } from "stripe";
import { cardError, failure } from "../../http/apiError.ts";
import { nextAction } from "../payments/confirmation.ts";
import { attemptError, declineFields, DECLINES, type Decline } from "../../world/declines.ts";
import type { ApiCall } from "../../http/endpoint.ts";
import { newId, randomText } from "../../world/identifiers.ts";
import { findMandate, readMandate } from "./mandates.ts";
import { mergeMetadata } from "../../http/parameters.ts";
import {
  readCustomer,
  readMethodChoice,
  readPaymentMethod,
  refuseRemovedTypes,
} from "../payments/paymentIntentParameters.ts";
import { attach, refuseSpent, type UsablePaymentMethod, usePaymentMethod } from "./paymentMethods.ts";
import { retrieve } from "../../http/resources.ts";
import type { ForcedOutcome } from "../payments/settlement.ts";
import { idOf } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/** SetupIntents: a payment method is set up for later payments. https://docs.stripe.com/payments/setup-intents */
const OPEN = ["requires_payment_method", "requires_confirmation", "requires_action"];

export function createSetupIntent(call: ApiCall): Stripe.SetupIntent {
  const { parameters, unit } = call;
  const id = newId("seti");
  const allowed = parameters.list("allowed_payment_method_types");
  const created: Stripe.SetupIntent = {
    id,
    object: "setup_intent",
    allowed_payment_method_types: allowed === undefined ? null : [...allowed],
    application: null,
    cancellation_reason: null,
    client_secret: `${id}_secret_${randomText(25)}`,
    created: unit.nowSeconds,
    customer: null,
    customer_account: null,
    description: null,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    managed_payments: null,
    mandate: null,
    metadata: {},
    next_action: null,
    on_behalf_of: parameters.string("on_behalf_of") ?? null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: null,
    single_use_mandate: null,
    status: "requires_payment_method",
    usage: parameters.string("usage") ?? "off_session",
    ...readMethodChoice(call, null),
  };
  const { setupIntent, usable } = write(call, created);
  unit.fire("setup_created", [unit.save(setupIntent)]);
  return parameters.boolean("confirm") === true ? confirm(call, setupIntent, usable) : setupIntent;
}

export function updateSetupIntent(call: ApiCall): Stripe.SetupIntent {
  const { parameters } = call;
  // The description and metadata can be changed in any state.
  const isAboutTheSetup = ["customer", "payment_method", "payment_method_data"].some((name) => parameters.has(name));
  const before = isAboutTheSetup ? retrieveOpen(call, "update") : retrieve(call, "setup_intent");
  return call.unit.save(write(call, before).setupIntent);
}

export function confirmSetupIntent(call: ApiCall): Stripe.SetupIntent {
  const { setupIntent, usable } = write(call, retrieveOpen(call, "confirm"));
  return confirm(call, setupIntent, usable);
}

export function cancelSetupIntent(call: ApiCall): Stripe.SetupIntent {
  const canceled = call.unit.save<Stripe.SetupIntent>({
    ...retrieveOpen(call, "cancel"),
    cancellation_reason: call.parameters.string("cancellation_reason") ?? null,
    next_action: null,
    status: "canceled",
  });
  call.unit.fire("setup_canceled", [canceled]);
  return canceled;
}

/** The customer passes or fails the authentication. False when the SetupIntent doesn't wait for that. */
export function authorizeSetup(unit: UnitOfWork, id: string, outcome: ForcedOutcome): boolean {
  const setupIntent = unit.find("setup_intent", id);
  const methodId = idOf(setupIntent?.payment_method);
  if (setupIntent?.status !== "requires_action" || methodId === null) return false;
  const usable = usePaymentMethod(unit, methodId);
  const decline = outcome === "failed" ? DECLINES.setupAuthenticationFailed : declineOf(usable);
  if (decline === null) succeed(unit, setupIntent, usable);
  else fail(unit, setupIntent, usable, decline);
  return true;
}

/** The bank takes or refuses the account. False when the SetupIntent doesn't wait for that. */
export function settleSetup(unit: UnitOfWork, id: string, outcome: ForcedOutcome | null): boolean {
  const setupIntent = unit.find("setup_intent", id);
  const methodId = idOf(setupIntent?.payment_method);
  if (setupIntent?.status !== "processing" || methodId === null) return false;
  const usable = usePaymentMethod(unit, methodId);
  if (outcome === "failed") fail(unit, setupIntent, usable, DECLINES.setupRefused);
  else succeed(unit, setupIntent, usable);
  return true;
}

/** A request's parameters for a SetupIntent, with the payment method that the request names or that was named before. */
function write(
  call: ApiCall,
  before: Stripe.SetupIntent,
): { readonly setupIntent: Stripe.SetupIntent; readonly usable: UsablePaymentMethod | null } {
  const { parameters, unit } = call;
  refuseRemovedTypes(call);
  const usable = readPaymentMethod(unit, parameters, idOf(before.payment_method));
  const isNamed = parameters.has("payment_method") || parameters.has("payment_method_data");
  const setupIntent: Stripe.SetupIntent = {
    ...before,
    customer: readCustomer(unit, parameters) ?? before.customer,
    description: parameters.text("description", before.description),
    metadata: mergeMetadata(before.metadata ?? {}, parameters.metadata()),
    ...(usable !== null && isNamed ? { payment_method: usable.paymentMethod.id, status: "requires_confirmation" } : {}),
  };
  return { setupIntent, usable };
}

function confirm(call: ApiCall, before: Stripe.SetupIntent, usable: UsablePaymentMethod | null): Stripe.SetupIntent {
  const { parameters, unit } = call;
  if (usable === null) {
    const message = "You cannot confirm this SetupIntent because it's missing a payment method.";
    throw failure(message, { code: "setup_intent_unexpected_state", setup_intent: before });
  }
  const { id: methodId, customer: owner } = usable.paymentMethod;
  if (owner !== null && owner !== before.customer) {
    const message = `The customer for this SetupIntent doesn't match the customer that the PaymentMethod ${methodId} belongs to. Pass that customer as \`customer\`.`;
    throw failure(message, { param: "payment_method", setup_intent: before });
  }
  refuseSpent(unit, usable.paymentMethod);
  const mandate = findMandate(unit, usable, readMandate(parameters), { kind: "multi_use" }, before);
  const setupIntent = { ...before, last_setup_error: null, mandate: mandate?.id ?? null };
  const { attempt, authentication, voucher } = usable.scenario;
  // The test account whose payments stay in processing stays there in its set-up, too, until it is settled by order.
  if (attempt.kind === "processing" && attempt.settlement === "never") {
    return unit.save<Stripe.SetupIntent>({ ...setupIntent, latest_attempt: newId("setatt"), status: "processing" });
  }
  // A voucher is issued only for a payment.
  if (authentication === "never" || voucher !== null) {
    const decline = declineOf(usable);
    if (decline === null) return succeed(unit, setupIntent, usable);
    const failed = fail(unit, before, usable, decline);
    const told = { setup_intent: failed, payment_method: usable.paymentMethod };
    throw cardError(decline.message, { ...declineFields(decline), ...told });
  }
  const waiting = unit.save<Stripe.SetupIntent>({
    ...setupIntent,
    latest_attempt: newId("setatt"),
    next_action: nextAction(unit, before, usable.scenario, parameters.string("return_url") ?? null),
    status: "requires_action",
  });
  unit.fire("setup_requires_action", [waiting]);
  return waiting;
}

function succeed(
  unit: UnitOfWork,
  before: Stripe.SetupIntent,
  { paymentMethod }: UsablePaymentMethod,
): Stripe.SetupIntent {
  const succeeded = unit.save<Stripe.SetupIntent>({
    ...before,
    latest_attempt: newId("setatt"),
    next_action: null,
    status: "succeeded",
  });
  unit.fire("setup_succeeded", [succeeded]);
  const customer = idOf(before.customer);
  if (customer !== null && paymentMethod.customer === null) attach(unit, paymentMethod, customer);
  return succeeded;
}

function fail(
  unit: UnitOfWork,
  before: Stripe.SetupIntent,
  { paymentMethod }: UsablePaymentMethod,
  decline: Decline,
): Stripe.SetupIntent {
  const failed = unit.save<Stripe.SetupIntent>({
    ...before,
    last_setup_error: attemptError(decline, paymentMethod),
    latest_attempt: newId("setatt"),
    next_action: null,
    payment_method: null,
    status: "requires_payment_method",
  });
  unit.fire("setup_failed", [failed]);
  return failed;
}

/** A card that declines payments but can be saved for them declines later. */
function declineOf({ scenario }: UsablePaymentMethod): Decline | null {
  return scenario.attempt.kind === "declined" && !scenario.attachable ? scenario.attempt.decline : null;
}

function retrieveOpen(call: ApiCall, verb: string): Stripe.SetupIntent {
  const setupIntent = retrieve(call, "setup_intent");
  if (OPEN.includes(setupIntent.status)) return setupIntent;
  const message = `You cannot ${verb} this SetupIntent because it has a status of ${setupIntent.status}. Only a SetupIntent with one of the following statuses may be used so: ${OPEN.join(", ")}.`;
  throw failure(message, { code: "setup_intent_unexpected_state", setup_intent: setupIntent });
}
