/**
 * The registry of public calls: what each takes and answers, who may call it, and what it does to the world. The service,
 * the documents and everything else that has to know the calls are made from it. It imports contracts, never handlers.
 */
import type { z } from "zod";
import * as accounts from "../accounts/contract.ts";
import * as customers from "../customers/contract.ts";
import * as disputes from "../disputes/contract.ts";
import * as payments from "../payments/contract.ts";
import * as refunds from "../refunds/contract.ts";
import * as setups from "../setups/contract.ts";
import { refundOutcomeSchema } from "./refundOutcome.ts";
import type { Scope } from "./scopes.ts";

type Declaration = {
  readonly description: string;
  readonly input: z.ZodType;
  readonly output: z.ZodType;
  /**
   * `moves`: it moves money, changes something or waits, so its answer is kept under the caller's idempotency key. A state of a
   * dispute that was only read is not.
   * `reads`: its answer is worth nothing once it was given.
   */
  readonly effect: "moves" | "reads";
  /** It moves money or changes something, so a caller must send an idempotency-key: repeated without one, it would do it again. */
  readonly needsKey: boolean;
  /**
   * Where the answer is kept for a caller who asks again. `own`: the engine keeps the call's own. `elsewhere`: a private
   * service behind the call keeps it. `nothing`: nobody does.
   */
  readonly keeps: "own" | "elsewhere" | "nothing";
  /** The field of the request without which the call only reads, as one that keeps nothing. */
  readonly readsUnless?: string;
  /** The scope that an API key needs for the call. Waiting for a payment, a refund or a set-up is reading it. */
  readonly scope: Scope;
};

/** `POST /<service>/<handler>` */
export type Call = Declaration & { readonly service: string; readonly handler: string };

/** Every service with its calls, by name, so that each schema keeps its type. */
export const services = {
  payments: {
    processPayment: {
      description:
        "Charges a payment method and returns the final outcome, also when Stripe knows it days later. Send an idempotency-key header.",
      input: payments.paymentRequestSchema,
      output: payments.paymentOutcomeSchema,
      effect: "moves",
      needsKey: true,
      keeps: "own",
      scope: "payments:write",
    },
    awaitPayment: {
      description: "Waits for the final outcome of a PaymentIntent, whoever made it.",
      input: payments.awaitPaymentRequestSchema,
      output: payments.paymentOutcomeSchema,
      effect: "moves",
      needsKey: false,
      keeps: "own",
      scope: "payments:read",
    },
    getPayment: {
      description: "Returns the state of a PaymentIntent at Stripe now.",
      input: payments.getPaymentRequestSchema,
      output: payments.paymentStateSchema,
      effect: "reads",
      needsKey: false,
      keeps: "nothing",
      scope: "payments:read",
    },
    capturePayment: {
      description: "Captures an authorized payment, or a part of it, and returns the outcome.",
      input: payments.capturePaymentRequestSchema,
      output: payments.paymentOutcomeSchema,
      effect: "moves",
      needsKey: true,
      keeps: "own",
      scope: "payments:write",
    },
    cancelPayment: {
      description: "Cancels a payment; with refundIfSucceeded, gives the money back if it has come meanwhile.",
      input: payments.cancelPaymentRequestSchema,
      output: payments.cancelOutcomeSchema,
      effect: "moves",
      needsKey: true,
      keeps: "elsewhere",
      scope: "payments:write",
    },
    refundPayment: {
      description:
        "Refunds a payment, or a part of it, and returns how the refund ended, also when Stripe knows it days later.",
      input: refunds.refundPaymentRequestSchema,
      output: refundOutcomeSchema,
      effect: "moves",
      needsKey: true,
      keeps: "elsewhere",
      scope: "refunds:write",
    },
    awaitRefund: {
      description: "Waits for the end of a refund, whoever made it.",
      input: refunds.awaitRefundRequestSchema,
      output: refundOutcomeSchema,
      effect: "moves",
      needsKey: false,
      keeps: "own",
      scope: "payments:read",
    },
    setupPaymentMethod: {
      description:
        "Saves a payment method for a customer's later payments and returns the final outcome. Send an idempotency-key header.",
      input: setups.setupPaymentMethodRequestSchema,
      output: setups.setupOutcomeSchema,
      effect: "moves",
      needsKey: true,
      keeps: "own",
      scope: "payments:write",
    },
    awaitSetup: {
      description: "Waits for the final outcome of a SetupIntent, whoever made it.",
      input: setups.awaitSetupRequestSchema,
      output: setups.setupOutcomeSchema,
      effect: "moves",
      needsKey: false,
      keeps: "own",
      scope: "payments:read",
    },
    createCustomer: {
      description: "Creates a Stripe Customer. Send an idempotency-key header.",
      input: customers.createCustomerRequestSchema,
      output: customers.customerStateSchema,
      effect: "moves",
      needsKey: true,
      keeps: "own",
      scope: "customers:write",
    },
    getCustomer: {
      description: "Returns a Stripe Customer as it is now.",
      input: customers.getCustomerRequestSchema,
      output: customers.customerStateSchema,
      effect: "reads",
      needsKey: false,
      keeps: "nothing",
      scope: "customers:read",
    },
    getDispute: {
      description: "Returns the state of a dispute now, or with awaitOutcome once it is closed.",
      input: disputes.getDisputeRequestSchema,
      output: disputes.disputeStateSchema,
      effect: "moves",
      needsKey: false,
      keeps: "elsewhere",
      readsUnless: "awaitOutcome",
      scope: "disputes:read",
    },
    submitDisputeEvidence: {
      description: "Gives evidence against a dispute, staged or submitted to the bank. Send an idempotency-key header.",
      input: disputes.submitDisputeEvidenceRequestSchema,
      output: disputes.disputeStateSchema,
      effect: "moves",
      needsKey: true,
      keeps: "own",
      scope: "disputes:write",
    },
    acceptDispute: {
      description: "Accepts a dispute as lost, for good. Send an idempotency-key header.",
      input: disputes.acceptDisputeRequestSchema,
      output: disputes.disputeStateSchema,
      effect: "moves",
      needsKey: true,
      keeps: "own",
      scope: "disputes:write",
    },
  },
  accounts: {
    createAccount: {
      description: "Creates a connected account. Send an idempotency-key header.",
      input: accounts.createAccountRequestSchema,
      output: accounts.accountStateSchema,
      effect: "moves",
      needsKey: true,
      keeps: "own",
      scope: "accounts:write",
    },
    getAccount: {
      description: "Returns the state of a connected account at Stripe now.",
      input: accounts.getAccountRequestSchema,
      output: accounts.accountStateSchema,
      effect: "reads",
      needsKey: false,
      keeps: "nothing",
      scope: "accounts:read",
    },
    createOnboardingLink: {
      description: "Makes a link to Stripe's onboarding, for the account's owner alone.",
      input: accounts.createOnboardingLinkRequestSchema,
      output: accounts.onboardingLinkSchema,
      effect: "reads",
      needsKey: false,
      keeps: "nothing",
      scope: "accounts:write",
    },
    awaitOnboarding: {
      description: "Waits until a connected account can be charged for, which takes its owner minutes or days.",
      input: accounts.awaitOnboardingRequestSchema,
      output: accounts.onboardedAccountSchema,
      effect: "moves",
      needsKey: false,
      keeps: "own",
      scope: "accounts:read",
    },
    createConnectUrl: {
      description: "Makes the address of the page on which the owner of a Standard account connects it, by OAuth.",
      input: accounts.createConnectUrlRequestSchema,
      output: accounts.connectUrlSchema,
      effect: "reads",
      needsKey: false,
      keeps: "nothing",
      scope: "accounts:write",
    },
    completeConnect: {
      description: "Connects the account whose owner came back from Stripe's page. Send an idempotency-key header.",
      input: accounts.completeConnectRequestSchema,
      output: accounts.connectedAccountSchema,
      effect: "moves",
      needsKey: true,
      keeps: "own",
      scope: "accounts:write",
    },
    disconnectAccount: {
      description: "Disconnects an account that was connected by OAuth. Send an idempotency-key header.",
      input: accounts.disconnectAccountRequestSchema,
      output: accounts.disconnectedAccountSchema,
      effect: "moves",
      needsKey: true,
      keeps: "own",
      scope: "accounts:write",
    },
    createTransfer: {
      description: "Transfers money of yours to a connected account. Send an idempotency-key header.",
      input: accounts.createTransferRequestSchema,
      output: accounts.transferOutcomeSchema,
      effect: "moves",
      needsKey: true,
      keeps: "elsewhere",
      scope: "transfers:write",
    },
    reverseTransfer: {
      description: "Takes a transfer back, or a part of it. Send an idempotency-key header.",
      input: accounts.reverseTransferRequestSchema,
      output: accounts.transferReversalSchema,
      effect: "moves",
      needsKey: true,
      keeps: "elsewhere",
      scope: "transfers:write",
    },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Declaration>>>>;

/** The services in a few words, for the documents. */
export const serviceDescriptions: Readonly<Record<keyof typeof services, string>> = {
  payments: "Calls about payments, refunds, set-ups, customers and disputes.",
  accounts: "Calls about the connected accounts of a marketplace (Stripe Connect), and transfers to them.",
};

export const calls: readonly Call[] = Object.entries(services).flatMap(([service, handlers]) =>
  Object.entries(handlers).map(([handler, declaration]) => ({ service, handler, ...declaration })),
);
