import { describe, expect, it } from "vitest";
import { bankTransferType } from "../../../src/payments/rules/bankTransfer.ts";
import { presenceProblems } from "../../../src/payments/rules/paymentRequest.ts";

const nobody = {
  currency: "usd",
  customerId: false,
  returnUrl: false,
  captureMethod: "automatic",
  requestMulticapture: false,
  savePaymentMethod: false,
  offSession: false,
  bankTransfer: null,
} as const;
const known = { ...nobody, customerId: true };
const present = { ...known, returnUrl: true };

describe("presenceProblems", () => {
  it.each<[string, Parameters<typeof presenceProblems>[0], string[]]>([
    ["a stranger's payment", nobody, []],
    ["a stranger who is present", { ...nobody, returnUrl: true }, []],
    ["a stranger's krona, which no transfer could bring", { ...nobody, currency: "sek" }, []],
    ["a method that is saved", { ...known, savePaymentMethod: true }, []],
    ["a method that is saved while its owner is present", { ...present, savePaymentMethod: true }, []],
    ["a saved method", { ...known, offSession: true }, []],
    ["a transfer", { ...present, bankTransfer: { country: false } }, []],
    ["a transfer in euros", { ...present, currency: "eur", bankTransfer: { country: true } }, []],
    ["several captures", { ...nobody, captureMethod: "manual", requestMulticapture: true }, []],
    ["several automatic captures", { ...nobody, requestMulticapture: true }, ["requestMulticapture"]],
    [
      "several captures of a transfer",
      { ...present, captureMethod: "manual", requestMulticapture: true, bankTransfer: { country: false } },
      ["requestMulticapture"],
    ],
    ["a stranger's method that is saved", { ...nobody, savePaymentMethod: true }, ["customerId"]],
    ["a stranger's saved method", { ...nobody, offSession: true }, ["customerId"]],
    ["somebody who is there and not", { ...present, offSession: true }, ["offSession"]],
    ["saving what was saved", { ...known, offSession: true, savePaymentMethod: true }, ["offSession"]],
    ["a transfer of nobody", { ...nobody, bankTransfer: { country: false } }, ["customerId", "returnUrl"]],
    [
      "a transfer to keep",
      { ...present, savePaymentMethod: true, bankTransfer: { country: false } },
      ["savePaymentMethod"],
    ],
    ["a transfer in krona", { ...present, currency: "sek", bankTransfer: { country: false } }, ["bankTransfer"]],
    ["euros to nowhere", { ...present, currency: "eur", bankTransfer: { country: false } }, ["bankTransfer.country"]],
    ["dollars to a country", { ...present, bankTransfer: { country: true } }, ["bankTransfer.country"]],
  ])("judges %s", (_what, request, fields) => {
    expect(presenceProblems(request).map((problem) => problem.field)).toEqual(fields);
  });
});

describe("what it says of a problem", () => {
  const transfer = { country: false };
  it.each<[string, Parameters<typeof presenceProblems>[0], string]>([
    [
      "who is charged without a customer",
      { ...nobody, offSession: true },
      "is needed by savePaymentMethod, offSession",
    ],
    ["who is there and not", { ...present, offSession: true }, "the customer is not there"],
    ["who has to act without a page to come back to", { ...known, bankTransfer: transfer }, "the customer has to act"],
    ["what can't be saved", { ...present, savePaymentMethod: true, bankTransfer: transfer }, "can't be saved"],
    [
      "a currency without transfers",
      { ...present, currency: "sek", bankTransfer: transfer },
      "no bank transfers in sek",
    ],
    ["a country that is missing", { ...present, currency: "eur", bankTransfer: transfer }, "is needed for euros"],
  ])("tells the caller %s", (_what, request, message) => {
    const [problem, ...others] = presenceProblems(request);
    expect(problem?.message).toContain(message);
    expect(others).toEqual([]);
  });
});

describe("bankTransferType", () => {
  it.each([
    ["eur", "eu_bank_transfer"],
    ["gbp", "gb_bank_transfer"],
    ["jpy", "jp_bank_transfer"],
    ["mxn", "mx_bank_transfer"],
    ["usd", "us_bank_transfer"],
    ["sek", null],
  ])("knows the transfers in %s", (currency, type) => {
    expect(bankTransferType(currency)).toBe(type);
  });
});
