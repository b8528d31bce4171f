/** What the customer has to do, as a zod schema: part of the answers about payments and set-ups. */
import { z } from "zod";
import { otherActionTypes } from "../payments/rules/nextAction.ts";
import type { BankAccount, NextAction } from "./paymentApi.ts";

const page = z.string().nullable().describe("Where the customer does it, if Stripe hosts a page for it.");
const textOrNull = z.string().nullable();
const moment = z.string().nullable().describe("ISO 8601, e.g. 2026-11-30T23:59:59.000Z.");

const bankAccountSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("aba"),
    accountHolderName: z.string(),
    accountNumber: z.string(),
    accountType: z.string(),
    bankName: z.string(),
    routingNumber: z.string(),
  }),
  z.object({
    type: z.literal("iban"),
    accountHolderName: z.string(),
    bic: z.string(),
    country: z.string(),
    iban: z.string(),
  }),
  z.object({
    type: z.literal("sort_code"),
    accountHolderName: z.string(),
    accountNumber: z.string(),
    sortCode: z.string(),
  }),
  z.object({
    type: z.literal("spei"),
    accountHolderName: z.string(),
    bankCode: z.string(),
    bankName: z.string(),
    clabe: z.string(),
  }),
  z.object({
    type: z.literal("swift"),
    accountHolderName: z.string(),
    accountNumber: z.string(),
    bankName: z.string(),
    swiftCode: z.string(),
  }),
  z.object({
    type: z.literal("zengin"),
    accountHolderName: textOrNull,
    accountNumber: textOrNull,
    accountType: textOrNull,
    bankCode: textOrNull,
    bankName: textOrNull,
    branchCode: textOrNull,
    branchName: textOrNull,
  }),
]) satisfies z.ZodType<BankAccount>;

export const nextActionSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("redirect_to_url"), redirectUrl: page }),
  z.object({
    type: z.literal("boleto_display_details"),
    redirectUrl: page,
    number: textOrNull,
    pdfUrl: textOrNull,
    expiresAt: moment,
  }),
  z.object({
    type: z.literal("oxxo_display_details"),
    redirectUrl: page,
    number: textOrNull,
    expiresAt: moment,
  }),
  z.object({
    type: z.literal("display_bank_transfer_instructions"),
    redirectUrl: page,
    amountRemaining: z.int().nullable().describe("What is still to be transferred, in minor units."),
    currency: textOrNull,
    reference: textOrNull.describe("What the customer writes into the transfer."),
    transferType: z.string().describe("Stripe's name of it, e.g. us_bank_transfer."),
    accounts: z.array(bankAccountSchema).readonly(),
  }),
  z.object({ type: z.enum(otherActionTypes), redirectUrl: page }),
  z.object({
    type: z.literal("unknown"),
    redirectUrl: z.null(),
    stripeType: textOrNull.describe("A kind of action that this version doesn't know, in Stripe's words."),
  }),
]) satisfies z.ZodType<NextAction>;
