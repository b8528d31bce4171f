import { describe, expect, it } from "vitest";
import type { z } from "zod";
import * as contract from "../../src/accounts/contract.ts";
import { wrongFields } from "../api/wrongFields.ts";

const pages = { returnUrl: "https://shop.example/back", refreshUrl: "https://shop.example/again" };
const link = { accountId: "acct_1", ...pages };
const transfer = { accountId: "acct_1", amount: 100, currency: "usd" };

describe("the requests about accounts", () => {
  it.each<[string, z.ZodType, object, string[]]>([
    ["an account", contract.createAccountRequestSchema, { dashboard: "express" }, []],
    ["an account without a dashboard", contract.createAccountRequestSchema, {}, ["dashboard"]],
    ["an account with another dashboard", contract.createAccountRequestSchema, { dashboard: "half" }, ["dashboard"]],
    [
      "a country in small letters",
      contract.createAccountRequestSchema,
      { dashboard: "full", country: "de" },
      ["country"],
    ],
    ["a link", contract.createOnboardingLinkRequestSchema, link, []],
    [
      "a link to an app",
      contract.createOnboardingLinkRequestSchema,
      { ...link, returnUrl: "myshop://back" },
      ["returnUrl"],
    ],
    [
      "a link for a customer",
      contract.createOnboardingLinkRequestSchema,
      { ...link, accountId: "cus_1" },
      ["accountId"],
    ],
    [
      "a link that runs code",
      contract.createOnboardingLinkRequestSchema,
      { ...link, refreshUrl: "javascript:/x" },
      ["refreshUrl"],
    ],
    [
      "a call on a connected account",
      contract.getAccountRequestSchema,
      { accountId: "acct_1", stripeAccount: "acct_1" },
      ["(unrecognized_keys)"],
    ],
    ["a merchant's account", contract.getAccountRequestSchema, { accountId: "acct_1", merchant: "books" }, []],
    ["a code with a space", contract.completeConnectRequestSchema, { code: "ac 1", state: "s" }, ["code"]],
    ["no state", contract.completeConnectRequestSchema, { code: "ac_1", state: "" }, ["state"]],
    ["a transfer", contract.createTransferRequestSchema, transfer, []],
    ["a transfer of nothing", contract.createTransferRequestSchema, { ...transfer, amount: 0 }, ["amount"]],
    [
      "a transfer without a currency",
      contract.createTransferRequestSchema,
      { ...transfer, currency: undefined },
      ["currency"],
    ],
    [
      "a payment's transfer",
      contract.createTransferRequestSchema,
      { ...transfer, sourceChargeId: "pi_1" },
      ["sourceChargeId"],
    ],
    ["a reversal", contract.reverseTransferRequestSchema, { transferId: "tr_1", amount: 1 }, []],
    ["a reversal of a refund", contract.reverseTransferRequestSchema, { transferId: "trr_1" }, ["transferId"]],
  ])("judge %s", (_what, schema, body, fields) => {
    expect(wrongFields(schema, body)).toEqual(fields);
  });

  it("take a transfer's currency in any case", () => {
    expect(contract.createTransferRequestSchema.parse({ ...transfer, currency: "USD" }).currency).toBe("usd");
  });
});
