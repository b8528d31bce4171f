import { describe, expect, it } from "vitest";
import { paymentRequestSchema } from "../../../src/payments/contract.ts";
import { sharesToTakeBack, sharingProblems } from "../../../src/payments/rules/sharing.ts";
import { wrongFields } from "../../api/wrongFields.ts";

const plain = { amount: 1000, currency: "usd", isDirect: false, transfer: null, applicationFeeAmount: null };
const destination = { ...plain, transfer: { amount: null } };
const direct = { ...plain, isDirect: true };

describe("sharingProblems", () => {
  it.each<[string, Parameters<typeof sharingProblems>[0], string[]]>([
    ["a payment of one account", plain, []],
    ["a destination charge", destination, []],
    ["one with a fee", { ...destination, applicationFeeAmount: 100 }, []],
    ["one whose fee is all of it", { ...destination, applicationFeeAmount: 1000 }, []],
    ["one that passes a part on", { ...plain, transfer: { amount: 900 } }, []],
    ["a direct charge with a fee", { ...direct, applicationFeeAmount: 100 }, []],
    ["a fee of nobody", { ...plain, applicationFeeAmount: 100 }, ["applicationFeeAmount"]],
    ["a fee larger than the payment", { ...direct, applicationFeeAmount: 1001 }, ["applicationFeeAmount"]],
    ["a transfer larger than the payment", { ...plain, transfer: { amount: 1001 } }, ["transfer.amount"]],
    [
      "two words on what the platform keeps",
      { ...plain, transfer: { amount: 900 }, applicationFeeAmount: 100 },
      ["applicationFeeAmount"],
    ],
    [
      "fractions of a króna",
      { ...plain, currency: "isk", isDirect: true, transfer: { amount: 150 }, applicationFeeAmount: 50 },
      ["applicationFeeAmount", "applicationFeeAmount", "transfer.amount"],
    ],
    ["a fee of an amount that is none", { ...direct, amount: null, applicationFeeAmount: 100 }, []],
  ])("judges %s", (_what, request, fields) => {
    expect(sharingProblems(request).map(({ field }) => field)).toEqual(fields);
  });
});

describe("a request to charge", () => {
  const card = { paymentMethodId: "pm_card_visa", amount: 1000 };
  it.each<[string, object, string[]]>([
    ["a fee of a destination charge", { transfer: { destination: "acct_1" }, applicationFeeAmount: 100 }, []],
    ["a fee of a direct charge", { stripeAccount: "acct_1", applicationFeeAmount: 100 }, []],
    ["a fee of nobody", { applicationFeeAmount: 100 }, ["applicationFeeAmount"]],
    ["too large a transfer", { transfer: { destination: "acct_1", amount: 1001 } }, ["transfer.amount"]],
    ["a destination that is none", { transfer: { destination: "cus_1" } }, ["transfer.destination"]],
    ["a transfer to nowhere", { transfer: { amount: 10 } }, ["transfer.destination"]],
    ["a merchant of record that is none", { onBehalfOf: "me" }, ["onBehalfOf"]],
    ["an empty group", { transferGroup: "" }, ["transferGroup"]],
  ])("with %s is wrong in %s", (_what, more, fields) => {
    expect(wrongFields(paymentRequestSchema, { ...card, ...more })).toEqual(fields);
  });
});

describe("sharesToTakeBack", () => {
  it.each([
    ["nothing of a payment of one account", {}, {}],
    ["the transfer", { transfer: { amount: null } }, { reverseTransfer: true }],
    ["the fee", { applicationFeeAmount: 10 }, { refundApplicationFee: true }],
    [
      "both",
      { transfer: { amount: null }, applicationFeeAmount: 10 },
      { reverseTransfer: true, refundApplicationFee: true },
    ],
  ])("names %s", (_what, payment, shares) => {
    expect(sharesToTakeBack(payment)).toEqual(shares);
  });
});
