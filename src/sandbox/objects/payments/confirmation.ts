import type { Stripe } from "stripe";
import { type ApiError, cardError, failure, refusal } from "../../http/apiError.ts";
import { checkCharges } from "../accounts/savedAccounts.ts";
import { AUTHORIZATION_DAYS } from "../methods/cards.ts";
import { failedCharge, newCharge, saveCaptured, succeededCharge } from "./charges.ts";
import { DAY_MS } from "../../world/clock.ts";
import { attemptError, declineFields, DECLINES, type Decline } from "../../world/declines.ts";
import { findMandate, type MandateChoice, type MandateUse, readMandate } from "../methods/mandates.ts";
import { newId } from "../../world/identifiers.ts";
import type { Parameters } from "../../http/parameters.ts";
import { inTransferGroup } from "../connect/split.ts";
import { checkAmount } from "./paymentIntentParameters.ts";
import { consume, refuseSpent, type UsablePaymentMethod } from "../methods/paymentMethods.ts";
import { acceptsCurrency, BANK_TRANSFERS, flowOf, PAYMENT_METHOD_TYPES } from "../methods/paymentMethodTypes.ts";
import type { Scenario } from "../methods/scenario.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";
import { checkVoucherBilling, issueVoucher } from "../methods/vouchers.ts";

/**
 * An attempt to pay a PaymentIntent with a payment method: the checks before it, the steps that may need the customer,
 * and the objects that it leaves behind. https://docs.stripe.com/payments/paymentintents/lifecycle
 */
export type Confirmation = {
  readonly returnUrl: string | null;
  readonly mandate: MandateChoice;
  readonly isOffSession: boolean;
  readonly errorOnRequiresAction: boolean;
  /** The PaymentIntent as it was created, if this very request did that. */
  readonly created: Stripe.PaymentIntent | null;
};

export function readConfirmation(parameters: Parameters, created: Stripe.PaymentIntent | null): Confirmation {
  return {
    returnUrl: parameters.string("return_url") ?? null,
    mandate: readMandate(parameters),
    // `off_session` is true, false, or a reason such as "recurring".
    isOffSession: parameters.boolean("off_session") ?? parameters.has("off_session"),
    errorOnRequiresAction: parameters.boolean("error_on_requires_action") === true,
    created,
  };
}

/** Gives the PaymentIntent after the attempt, or throws the 402 of a decline (whose writes stand) or a 400. */
export function confirmPayment(
  unit: UnitOfWork,
  before: Stripe.PaymentIntent,
  usable: UsablePaymentMethod,
  confirmation: Confirmation,
): Stripe.PaymentIntent {
  checkCharges(unit);
  checkPaymentMethod(unit, before, usable, confirmation);
  const { paymentMethod, scenario } = usable;
  const mandate = findMandate(unit, usable, confirmation.mandate, mandateUse(before), before);
  const paymentIntent = { ...before, payment_method: paymentMethod.id, last_payment_error: null, next_action: null };
  const asksCustomer =
    scenario.authentication === "always" || (scenario.authentication === "on_session" && !confirmation.isOffSession);
  if (!asksCustomer) return attemptOrThrow(unit, paymentIntent, usable, confirmation.created, mandate);
  if (confirmation.isOffSession)
    throw declineNow(unit, paymentIntent, usable, DECLINES.authenticationRequired, confirmation.created);
  if (confirmation.errorOnRequiresAction) {
    throw declineNow(unit, paymentIntent, usable, DECLINES.authenticationNotHandled, confirmation.created);
  }
  // Everything that an earlier attempt still waits for is over.
  if (before.next_action !== null) unit.dropJobs(before.id);
  const waiting = unit.save({
    ...paymentIntent,
    status: "requires_action",
    next_action: askCustomer(unit, paymentIntent, scenario, confirmation.returnUrl),
  });
  unit.fire("requires_action", [waiting], confirmation.created);
  // A bank transfer that came before may have paid it already.
  return unit.find("payment_intent", waiting.id) ?? waiting;
}

/** Stripe's checks before anything is tried; their order is ours. */
function checkPaymentMethod(
  unit: UnitOfWork,
  paymentIntent: Stripe.PaymentIntent,
  usable: UsablePaymentMethod,
  confirmation: Confirmation,
): void {
  const { paymentMethod } = usable;
  const { type } = usable.scenario;
  const rule = PAYMENT_METHOD_TYPES[type];
  const shown = confirmation.created === null ? { payment_intent: paymentIntent } : {};
  if (!acceptsCurrency(type, paymentIntent.currency)) {
    const supported = rule.currencies === "any" ? "" : rule.currencies.map((currency) => `\`${currency}\``).join(", ");
    const message = `Invalid currency: ${paymentIntent.currency}. The payment method \`${type}\` only supports the following currencies: ${supported}.`;
    throw refusal(message, { code: "payment_method_currency_mismatch", param: "currency" });
  }
  checkAmount(paymentIntent.amount, paymentIntent.currency, type);
  if (!paymentIntent.payment_method_types.includes(type)) {
    const allowed = paymentIntent.payment_method_types.join(", ");
    const message = `The PaymentMethod provided (${type}) is not allowed for this PaymentIntent. Please attach a PaymentMethod of one of the following types: ${allowed}.`;
    throw failure(message, { code: "payment_intent_incompatible_payment_method", param: "payment_method", ...shown });
  }
  if (paymentIntent.capture_method === "manual" && rule.allowsManualCapture !== true) {
    const message = `The PaymentMethod provided (${type}) does not support manual capture. Use a capture_method of automatic or automatic_async.`;
    throw failure(message, { code: "payment_intent_incompatible_payment_method", param: "capture_method", ...shown });
  }
  if (type === "card" && paymentIntent.statement_descriptor !== null) {
    const message =
      "The `statement_descriptor` parameter is not supported for the payment method type `card`. Use `statement_descriptor_suffix` instead.";
    throw refusal(message, { param: "statement_descriptor" });
  }
  if (paymentMethod.customer !== null && paymentMethod.customer !== paymentIntent.customer) {
    const message = `The customer for this PaymentIntent doesn't match the customer that the PaymentMethod ${paymentMethod.id} belongs to. Pass that customer as \`customer\`.`;
    throw failure(message, { param: "payment_method", ...shown });
  }
  const dynamic = paymentIntent.automatic_payment_methods;
  if (
    confirmation.returnUrl === null &&
    (rule.flow.kind === "redirect" || (dynamic?.enabled === true && dynamic.allow_redirects !== "never"))
  ) {
    throw refusal(
      "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.",
      { param: "return_url" },
    );
  }
  checkVoucherBilling(usable);
  if (rule.flow.kind === "bank_transfer" && paymentIntent.customer === null) {
    const message = "A bank transfer goes to a customer's cash balance: pass the `customer` of this PaymentIntent.";
    throw failure(message, { code: "parameter_missing", param: "customer", ...shown });
  }
  refuseSpent(unit, paymentMethod);
}

function mandateUse({ amount, currency, setup_future_usage }: Stripe.PaymentIntent): MandateUse {
  return setup_future_usage === "off_session" ? { kind: "multi_use" } : { kind: "single_use", amount, currency };
}

function askCustomer(
  unit: UnitOfWork,
  paymentIntent: Stripe.PaymentIntent,
  scenario: Scenario,
  returnUrl: string | null,
): Stripe.PaymentIntent.NextAction {
  const flow = flowOf(scenario.type);
  switch (flow.kind) {
    case "bank_transfer":
      return bankInstructions(unit, paymentIntent);
    case "voucher":
      return issueVoucher(unit, paymentIntent, scenario, flow);
    case "immediate":
    case "debit":
    case "redirect":
      return nextAction(unit, paymentIntent, scenario, returnUrl);
  }
}

function bankInstructions(unit: UnitOfWork, paymentIntent: Stripe.PaymentIntent): Stripe.PaymentIntent.NextAction {
  const { amount, currency, id } = paymentIntent;
  return {
    type: "display_bank_transfer_instructions",
    display_bank_transfer_instructions: {
      amount_remaining: amount,
      currency,
      hosted_instructions_url: `${unit.pace.baseUrl()}/_sandbox/transfer/${id}`,
      reference: id.slice(-10).toUpperCase(),
      type: BANK_TRANSFERS[currency] ?? "us_bank_transfer",
    },
  };
}

/** The page where the customer authenticates; SetupIntents have the same. */
export function nextAction(
  unit: UnitOfWork,
  intent: Stripe.PaymentIntent | Stripe.SetupIntent,
  { type }: Scenario,
  returnUrl: string | null,
): Stripe.PaymentIntent.NextAction & Stripe.SetupIntent.NextAction {
  const base = `${unit.pace.baseUrl()}/_sandbox`;
  const url = flowOf(type).kind === "redirect" ? `${base}/authorize/${intent.id}` : hostedUrl(base, unit, intent);
  if (returnUrl !== null) return { type: "redirect_to_url", redirect_to_url: { return_url: returnUrl, url } };
  return { type: "use_stripe_sdk", use_stripe_sdk: { type: "three_d_secure_redirect", stripe_js: url } };
}

/** The address of a card's authentication has the same parameters as Stripe's, the client secret among them. */
function hostedUrl(base: string, unit: UnitOfWork, intent: Stripe.PaymentIntent | Stripe.SetupIntent): string {
  const parameters = new URLSearchParams({
    merchant: unit.account,
    [intent.object]: intent.id,
    [`${intent.object}_client_secret`]: intent.client_secret ?? "",
    publishable_key: "pk_test_sandbox",
    source: newId("payatt"),
  });
  return `${base}/3d_secure_2/hosted?${parameters.toString()}`;
}

export type Attempted =
  | { readonly kind: "accepted"; readonly paymentIntent: Stripe.PaymentIntent }
  | { readonly kind: "declined"; readonly paymentIntent: Stripe.PaymentIntent; readonly decline: Decline };

/** The attempt itself, past all questions to the customer. */
export function attemptPayment(
  unit: UnitOfWork,
  before: Stripe.PaymentIntent,
  { paymentMethod, scenario }: UsablePaymentMethod,
  created: Stripe.PaymentIntent | null,
  mandate: Stripe.Mandate | null = null,
): Attempted {
  const { attempt } = scenario;
  const paymentIntent = inTransferGroup(before);
  const charge = newCharge(unit, paymentIntent, paymentMethod, mandate);
  if (attempt.kind !== "declined") consume(unit, paymentMethod, paymentIntent);
  const base = { ...paymentIntent, next_action: null, latest_charge: charge.id };
  switch (attempt.kind) {
    case "declined": {
      const failed = recordFailure(unit, base, failedCharge(charge, attempt.decline), paymentMethod, attempt.decline);
      unit.fire("declined", failed, created);
      return { kind: "declined", paymentIntent: failed[0], decline: attempt.decline };
    }
    case "processing": {
      const processing = unit.save<Stripe.PaymentIntent>({ ...base, status: "processing" });
      unit.fire("processing", [processing, unit.save(charge)], created);
      if (attempt.settlement !== "never") {
        unit.schedule("settle_payment", processing.id, unit.pace.settlementDelayMs * (attempt.isDelayed ? 4 : 1));
      }
      return { kind: "accepted", paymentIntent: processing };
    }
    case "succeeds": {
      const isHeld = paymentIntent.capture_method === "manual";
      if (isHeld) return { kind: "accepted", paymentIntent: authorize(unit, base, charge, created) };
      const succeeded = unit.save<Stripe.PaymentIntent>({ ...base, status: "succeeded", amount_received: base.amount });
      const paid = saveCaptured(unit, succeededCharge(charge, charge.amount));
      unit.fire("succeeded", [succeeded, paid], created);
      return { kind: "accepted", paymentIntent: succeeded };
    }
  }
}

function authorize(
  unit: UnitOfWork,
  base: Stripe.PaymentIntent,
  charge: Stripe.Charge,
  created: Stripe.PaymentIntent | null,
): Stripe.PaymentIntent {
  const held = unit.save<Stripe.PaymentIntent>({ ...base, status: "requires_capture", amount_capturable: base.amount });
  unit.schedule("expire_authorization", held.id, AUTHORIZATION_DAYS * DAY_MS);
  unit.fire("authorized", [held, unit.save(succeededCharge(charge, null))], created);
  return held;
}

/** A failed attempt: the PaymentIntent lives on without a payment method, and says why. */
export function recordFailure(
  unit: UnitOfWork,
  paymentIntent: Stripe.PaymentIntent,
  charge: Stripe.Charge | null,
  paymentMethod: Stripe.PaymentMethod,
  decline: Decline,
): [Stripe.PaymentIntent, Stripe.Charge | undefined] {
  const failed = unit.save<Stripe.PaymentIntent>({
    ...paymentIntent,
    status: "requires_payment_method",
    payment_method: null,
    next_action: null,
    last_payment_error: {
      ...attemptError(decline, paymentMethod),
      ...(charge === null ? {} : { charge: charge.id }),
    },
  });
  return [failed, charge === null ? undefined : unit.save(charge)];
}

function attemptOrThrow(
  unit: UnitOfWork,
  paymentIntent: Stripe.PaymentIntent,
  usable: UsablePaymentMethod,
  created: Stripe.PaymentIntent | null,
  mandate: Stripe.Mandate | null,
): Stripe.PaymentIntent {
  const attempted = attemptPayment(unit, paymentIntent, usable, created, mandate);
  if (attempted.kind === "accepted") return attempted.paymentIntent;
  throw declineError(attempted.decline, attempted.paymentIntent, usable.paymentMethod);
}

function declineNow(
  unit: UnitOfWork,
  paymentIntent: Stripe.PaymentIntent,
  usable: UsablePaymentMethod,
  decline: Decline,
  created: Stripe.PaymentIntent | null,
): ApiError {
  const scenario: Scenario = { ...usable.scenario, attempt: { kind: "declined", decline } };
  const attempted = attemptPayment(unit, paymentIntent, { ...usable, scenario }, created);
  return declineError(decline, attempted.paymentIntent, usable.paymentMethod);
}

function declineError(decline: Decline, paymentIntent: Stripe.PaymentIntent, method: Stripe.PaymentMethod): ApiError {
  const { latest_charge: charge } = paymentIntent;
  return cardError(decline.message, {
    ...declineFields(decline),
    ...(typeof charge === "string" ? { charge } : {}),
    payment_intent: paymentIntent,
    payment_method: method,
  });
}
