import type { Stripe } from "stripe";
import { acceptanceOf } from "../../stripe/mandate.ts";
import { bankTransferType } from "../rules/bankTransfer.ts";
import { creatorCallbackKey, makersMarks, type Maker } from "../../stripe/metadata.ts";
import type { PaymentRequest } from "../contract.ts";

/** Everything that the create request says. It is fixed in the journal before it is sent, and sent unchanged ever after. */
export type PaymentParameters = Stripe.PaymentIntentCreateParams;

/**
 * The parameters of one PaymentIntent, created and confirmed in one request.
 *
 * Without a `returnUrl` nobody is there to be redirected: only payment methods without a redirect are allowed, and one
 * that needs the customer fails at once instead of dangling. `payment_method_types` is no longer accepted.
 *
 * https://docs.stripe.com/api/payment_intents/create
 */
export function paymentParameters(
  request: PaymentRequest,
  origin: Maker & { readonly callbackId: string },
): PaymentParameters {
  return {
    amount: request.amount,
    currency: request.currency,
    payment_method: request.paymentMethodId,
    confirm: true,
    ...presenceParameters(request),
    ...(request.offSession === true ? { off_session: true } : {}),
    ...(request.savePaymentMethod === undefined ? {} : { setup_future_usage: request.savePaymentMethod }),
    // Until when it can be captured, only the charge says.
    ...(request.captureMethod === "manual" ? { capture_method: "manual", expand: ["latest_charge"] } : {}),
    ...(request.requestMulticapture === true ? severalCaptures : {}),
    ...(request.customerId === undefined ? {} : { customer: request.customerId }),
    ...(request.description === undefined ? {} : { description: request.description }),
    ...(request.receiptEmail === undefined ? {} : { receipt_email: request.receiptEmail }),
    ...(request.statementDescriptorSuffix === undefined
      ? {}
      : { statement_descriptor_suffix: request.statementDescriptorSuffix }),
    ...sharingParameters(request),
    ...(request.mandate === undefined ? {} : { mandate_data: { customer_acceptance: acceptanceOf(request.mandate) } }),
    metadata: {
      ...request.metadata,
      [creatorCallbackKey]: origin.callbackId,
      ...makersMarks(origin),
    },
  };
}

/** https://docs.stripe.com/connect/charges */
function sharingParameters(request: PaymentRequest): Partial<PaymentParameters> {
  const { transfer, applicationFeeAmount, onBehalfOf, transferGroup } = request;
  return {
    ...(transfer === undefined
      ? {}
      : {
          transfer_data: {
            destination: transfer.destination,
            ...(transfer.amount === undefined ? {} : { amount: transfer.amount }),
          },
        }),
    ...(applicationFeeAmount === undefined ? {} : { application_fee_amount: applicationFeeAmount }),
    ...(onBehalfOf === undefined ? {} : { on_behalf_of: onBehalfOf }),
    ...(transferGroup === undefined ? {} : { transfer_group: transferGroup }),
  };
}

/** https://docs.stripe.com/payments/multicapture */
const severalCaptures: Partial<PaymentParameters> = {
  payment_method_options: { card: { request_multicapture: "if_available" } },
};

function presenceParameters({ returnUrl, bankTransfer, currency }: PaymentRequest): Partial<PaymentParameters> {
  if (returnUrl === undefined) {
    return { automatic_payment_methods: { enabled: true, allow_redirects: "never" }, error_on_requires_action: true };
  }
  if (bankTransfer === undefined) return { automatic_payment_methods: { enabled: true }, return_url: returnUrl };
  // Without a funding type, Stripe would take only what the customer has transferred before.
  return {
    allowed_payment_method_types: ["customer_balance"],
    payment_method_options: {
      customer_balance: {
        funding_type: "bank_transfer",
        bank_transfer: {
          type: bankTransferType(currency) ?? "us_bank_transfer",
          ...(bankTransfer.country === undefined ? {} : { eu_bank_transfer: { country: bankTransfer.country } }),
        },
      },
    },
    return_url: returnUrl,
  };
}
