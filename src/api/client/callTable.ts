/**
 * The calls by name, as the client knows them when it runs: the registry itself would bring zod along. The compiler checks
 * the table against the registry, so that neither can have a call that the other lacks.
 */
import type { services } from "../calls.ts";

/**
 * `required`: the caller gives an idempotency key. `made`: without one the client makes one, so that a call which waits can be
 * asked for again. `none`: the answer of a read is not kept under a key.
 */
export type KeyRule = "required" | "made" | "none";

type RuleOf<Declaration> = Declaration extends { readonly needsKey: true }
  ? "required"
  : Declaration extends { readonly keeps: "nothing" }
    ? "none"
    : "made";

type RulesOfRegistry = {
  readonly [Service in keyof typeof services]: {
    readonly [Handler in keyof (typeof services)[Service]]: RuleOf<(typeof services)[Service][Handler]>;
  };
};

export const callTable: RulesOfRegistry = {
  payments: {
    processPayment: "required",
    awaitPayment: "made",
    getPayment: "none",
    capturePayment: "required",
    cancelPayment: "required",
    refundPayment: "required",
    awaitRefund: "made",
    setupPaymentMethod: "required",
    awaitSetup: "made",
    createCustomer: "required",
    getCustomer: "none",
    getDispute: "made",
    submitDisputeEvidence: "required",
    acceptDispute: "required",
  },
  accounts: {
    createAccount: "required",
    getAccount: "none",
    createOnboardingLink: "none",
    awaitOnboarding: "made",
    createConnectUrl: "none",
    completeConnect: "required",
    disconnectAccount: "required",
    createTransfer: "required",
    reverseTransfer: "required",
  },
};
