import { describe, expect, it } from "vitest";
import { customerParameters } from "../../src/customers/stripe.ts";
import { setupParameters } from "../../src/setups/stripe/requests.ts";

const origin = { invocationId: "inv_1", installationId: "in_1", merchant: "default", callbackId: "sign_1x" };

describe("setupParameters", () => {
  const request = { customerId: "cus_1", paymentMethodId: "pm_1" };

  it("creates and confirms in one request, for a customer who is not there", () => {
    expect(setupParameters({ ...request, metadata: { a: "b" } }, origin)).toEqual({
      customer: "cus_1",
      payment_method: "pm_1",
      confirm: true,
      usage: "off_session",
      automatic_payment_methods: { enabled: true, allow_redirects: "never" },
      metadata: {
        a: "b",
        restate_callback_id: "sign_1x",
        restate_invocation_id: "inv_1",
        restate_installation: "in_1",
      },
    });
  });

  it("lets a present customer be redirected, and passes on what they agreed to", () => {
    const mandate = { type: "online", ipAddress: "192.0.2.1", userAgent: "Browser" } as const;
    expect(setupParameters({ ...request, returnUrl: "https://shop.example", mandate }, origin)).toEqual({
      customer: "cus_1",
      payment_method: "pm_1",
      confirm: true,
      usage: "off_session",
      automatic_payment_methods: { enabled: true },
      return_url: "https://shop.example",
      mandate_data: {
        customer_acceptance: { type: "online", online: { ip_address: "192.0.2.1", user_agent: "Browser" } },
      },
      metadata: { restate_callback_id: "sign_1x", restate_invocation_id: "inv_1", restate_installation: "in_1" },
    });
  });
});

describe("customerParameters", () => {
  const email = "jenny@example.com";

  it("names the call that makes the customer", () => {
    expect(customerParameters({ email }, origin)).toStrictEqual({
      email,
      metadata: { restate_invocation_id: "inv_1", restate_installation: "in_1" },
    });
  });

  it("passes on the name and the merchant's own entries", () => {
    expect(customerParameters({ email, name: "Jenny", metadata: { tier: "gold" } }, origin)).toEqual({
      email,
      name: "Jenny",
      metadata: { tier: "gold", restate_invocation_id: "inv_1", restate_installation: "in_1" },
    });
  });
});
