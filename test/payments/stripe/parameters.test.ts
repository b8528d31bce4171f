import { describe, expect, it } from "vitest";
import type { PaymentRequest } from "../../../src/payments/contract.ts";
import { paymentParameters } from "../../../src/payments/stripe/parameters.ts";

const origin = { invocationId: "inv_1", installationId: "in_1", merchant: "default", callbackId: "sign_1x" };
const card: PaymentRequest = {
  paymentMethodId: "pm_card_visa",
  amount: 109,
  currency: "usd",
  captureMethod: "automatic",
  delayedStatus: false,
};
const parametersOf = (more: Partial<PaymentRequest> = {}) => paymentParameters({ ...card, ...more }, origin);

function transferOptions(bank_transfer: object) {
  return {
    allowed_payment_method_types: ["customer_balance"],
    payment_method_options: { customer_balance: { funding_type: "bank_transfer", bank_transfer } },
    return_url: "https://shop.example/back",
  };
}

describe("paymentParameters", () => {
  it("creates and confirms in one request, for a customer who is not there", () => {
    // Strictly: what was not asked for is not there at all.
    expect(parametersOf()).toStrictEqual({
      amount: 109,
      currency: "usd",
      payment_method: "pm_card_visa",
      confirm: true,
      automatic_payment_methods: { enabled: true, allow_redirects: "never" },
      error_on_requires_action: true,
      metadata: { restate_callback_id: "sign_1x", restate_invocation_id: "inv_1", restate_installation: "in_1" },
    });
  });

  it("lets a present customer be redirected", () => {
    const parameters = parametersOf({ returnUrl: "https://shop.example/back" });
    expect(parameters.automatic_payment_methods).toEqual({ enabled: true });
    expect(parameters.return_url).toBe("https://shop.example/back");
    expect(parameters).not.toHaveProperty("error_on_requires_action");
  });

  it("asks for a bank transfer in the currency's own way", () => {
    const transfer = { returnUrl: "https://shop.example/back", customerId: "cus_1" };
    const dollars = parametersOf({ ...transfer, bankTransfer: {} });
    expect(dollars).toMatchObject(transferOptions({ type: "us_bank_transfer" }));
    expect(dollars.payment_method_options).toEqual({
      customer_balance: { funding_type: "bank_transfer", bank_transfer: { type: "us_bank_transfer" } },
    });
    expect(dollars).not.toHaveProperty("automatic_payment_methods");
    expect(parametersOf({ ...transfer, currency: "eur", bankTransfer: { country: "DE" } })).toMatchObject(
      transferOptions({ type: "eu_bank_transfer", eu_bank_transfer: { country: "DE" } }),
    );
  });

  it.each<[string, Partial<PaymentRequest>, object]>([
    ["a method to be saved", { savePaymentMethod: "on_session" }, { setup_future_usage: "on_session" }],
    [
      "several captures",
      { captureMethod: "manual", requestMulticapture: true },
      { capture_method: "manual", payment_method_options: { card: { request_multicapture: "if_available" } } },
    ],
    ["an absent customer", { offSession: true }, { off_session: true, error_on_requires_action: true }],
    [
      "manual capture, and asks until when",
      { captureMethod: "manual" },
      { capture_method: "manual", expand: ["latest_charge"] },
    ],
    ["a customer", { customerId: "cus_1" }, { customer: "cus_1" }],
    ["a description", { description: "Order 4004" }, { description: "Order 4004" }],
    ["a receipt", { receiptEmail: "a@b.example" }, { receipt_email: "a@b.example" }],
    ["a statement suffix", { statementDescriptorSuffix: "4004" }, { statement_descriptor_suffix: "4004" }],
    [
      "a mandate accepted offline",
      { mandate: { type: "offline" } },
      { mandate_data: { customer_acceptance: { type: "offline" } } },
    ],
    [
      "a mandate accepted online",
      { mandate: { type: "online", ipAddress: "192.0.2.1", userAgent: "Browser" } },
      {
        mandate_data: {
          customer_acceptance: { type: "online", online: { ip_address: "192.0.2.1", user_agent: "Browser" } },
        },
      },
    ],
    [
      "a destination charge with a fee",
      { transfer: { destination: "acct_1" }, applicationFeeAmount: 10, onBehalfOf: "acct_1" },
      { transfer_data: { destination: "acct_1" }, application_fee_amount: 10, on_behalf_of: "acct_1" },
    ],
    [
      "what is passed on of a destination charge",
      { transfer: { destination: "acct_1", amount: 99 } },
      { transfer_data: { destination: "acct_1", amount: 99 } },
    ],
    ["a transfer group", { transferGroup: "order-1" }, { transfer_group: "order-1" }],
  ])("passes on %s", (_what, request, expected) => {
    expect(parametersOf(request)).toMatchObject(expected);
  });

  it("keeps the caller's metadata beside its own", () => {
    expect(parametersOf({ metadata: { orderId: "4004" } }).metadata).toEqual({
      orderId: "4004",
      restate_callback_id: "sign_1x",
      restate_invocation_id: "inv_1",
      restate_installation: "in_1",
    });
  });
});
