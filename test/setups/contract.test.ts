/** The contract of the calls about set-ups: the bodies that they take, and those that they refuse. */
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import {
  awaitSetupRequestSchema,
  setupOutcomeSchema,
  setupPaymentMethodRequestSchema,
} from "../../src/setups/contract.ts";
import { wrongFields } from "../api/wrongFields.ts";

const setup = { customerId: "cus_1", paymentMethodId: "pm_1" };

describe("the requests about set-ups", () => {
  it.each<[string, z.ZodType, object]>([
    ["a set-up", setupPaymentMethodRequestSchema, setup],
    [
      "a set-up with everything",
      setupPaymentMethodRequestSchema,
      {
        ...setup,
        returnUrl: "https://shop.example/back",
        mandate: { type: "online", ipAddress: "192.0.2.1", userAgent: "Browser" },
        metadata: { orderId: "4004" },
        timeoutSeconds: 3600,
      },
    ],
    ["a wait", awaitSetupRequestSchema, { setupIntentId: "seti_1", timeoutSeconds: 1 }],
  ])("take %s", (_what, schema, body) => {
    expect(wrongFields(schema, body)).toEqual([]);
  });

  it.each<[string, z.ZodType, unknown, string[]]>([
    ["an empty set-up", setupPaymentMethodRequestSchema, {}, ["customerId", "paymentMethodId"]],
    ["a set-up with an amount", setupPaymentMethodRequestSchema, { ...setup, amount: 1 }, ["(unrecognized_keys)"]],
    ["a set-up for a path", setupPaymentMethodRequestSchema, { ...setup, customerId: "../x" }, ["customerId"]],
    [
      "metadata that is ours",
      setupPaymentMethodRequestSchema,
      { ...setup, metadata: { restate_failure: "x" } },
      ["metadata.restate_failure"],
    ],
    [
      "a return URL that runs code",
      setupPaymentMethodRequestSchema,
      { ...setup, returnUrl: "javascript:1" },
      ["returnUrl"],
    ],
    ["a client secret", awaitSetupRequestSchema, { setupIntentId: "seti_1_secret_2" }, ["setupIntentId"]],
    ["a PaymentIntent", awaitSetupRequestSchema, { setupIntentId: "pi_1" }, ["setupIntentId"]],
  ])("refuse %s and say where", (_what, schema, body, fields) => {
    expect(wrongFields(schema, body)).toEqual(fields);
  });
});

it("The answer of a set-up leaves a mandate out where there is none", () => {
  const outcome = { setupIntentId: "seti_1", paymentMethodId: "pm_1", customerId: "cus_1", settledBy: "poll" };
  expect(setupOutcomeSchema.parse({ ...outcome, status: "succeeded" })).toEqual({ ...outcome, status: "succeeded" });
});
