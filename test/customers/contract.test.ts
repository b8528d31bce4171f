/** The contract of the calls about customers: the bodies that they take, and those that they refuse. */
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { createCustomerRequestSchema, getCustomerRequestSchema } from "../../src/customers/contract.ts";
import { wrongFields } from "../api/wrongFields.ts";

const customer = { email: "jenny@example.com" };

describe("the requests about customers", () => {
  it.each<[string, z.ZodType, object]>([
    ["a customer", createCustomerRequestSchema, customer],
    ["a customer with everything", createCustomerRequestSchema, { ...customer, name: "Jenny", metadata: { a: "b" } }],
    ["a look at a customer", getCustomerRequestSchema, { customerId: "cus_1" }],
  ])("take %s", (_what, schema, body) => {
    expect(wrongFields(schema, body)).toEqual([]);
  });

  it.each<[string, z.ZodType, unknown, string[]]>([
    ["nobody's mail", createCustomerRequestSchema, {}, ["email"]],
    ["no mail", createCustomerRequestSchema, { email: "nobody" }, ["email"]],
    ["half a character", createCustomerRequestSchema, { ...customer, name: "\ud800" }, ["name"]],
    ["an endless name", createCustomerRequestSchema, { ...customer, name: "n".repeat(257) }, ["name"]],
    ["a customer with a phone", createCustomerRequestSchema, { ...customer, phone: "1" }, ["(unrecognized_keys)"]],
    ["a customer's path", getCustomerRequestSchema, { customerId: "cus_1/x" }, ["customerId"]],
  ])("refuse %s and say where", (_what, schema, body, fields) => {
    expect(wrongFields(schema, body)).toEqual(fields);
  });
});
