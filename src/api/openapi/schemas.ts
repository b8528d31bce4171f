/** The names of the shapes in the document: a generator makes types of these names, and they are those of the package. */
import type { z } from "zod";
import {
  accountStateSchema,
  connectedAccountSchema,
  connectUrlSchema,
  disconnectedAccountSchema,
  onboardedAccountSchema,
  onboardingLinkSchema,
  transferOutcomeSchema,
  transferReversalSchema,
} from "../../accounts/contract.ts";
import { disputeStateSchema } from "../../disputes/contract.ts";
import { customerStateSchema } from "../../customers/contract.ts";
import { cancelOutcomeSchema, paymentOutcomeSchema, paymentStateSchema } from "../../payments/contract.ts";
import { setupOutcomeSchema } from "../../setups/contract.ts";
import type { Call } from "../calls.ts";
import { edgeFailureBodySchema } from "../edgeFailures.ts";
import { attemptFailureSchema } from "../failures.ts";
import { nextActionSchema } from "../nextAction.ts";
import { refundOutcomeSchema } from "../refundOutcome.ts";

/** Answers of several calls, and parts of answers. */
const answerSchemas = {
  PaymentOutcome: paymentOutcomeSchema,
  PaymentState: paymentStateSchema,
  CancelOutcome: cancelOutcomeSchema,
  RefundOutcome: refundOutcomeSchema,
  SetupOutcome: setupOutcomeSchema,
  CustomerState: customerStateSchema,
  DisputeState: disputeStateSchema,
  AccountState: accountStateSchema,
  OnboardedAccount: onboardedAccountSchema,
  OnboardingLink: onboardingLinkSchema,
  ConnectUrl: connectUrlSchema,
  ConnectedAccount: connectedAccountSchema,
  DisconnectedAccount: disconnectedAccountSchema,
  TransferOutcome: transferOutcomeSchema,
  TransferReversal: transferReversalSchema,
  NextAction: nextActionSchema,
  AttemptFailure: attemptFailureSchema,
} as const satisfies Readonly<Record<string, z.ZodType>>;

/** The component that every failure's body is a case of. */
export const failureComponent = "Failure";

/** Every shape that has a name, by that name. */
export function namedSchemas(calls: readonly Call[]): Readonly<Record<string, z.ZodType>> {
  return {
    ...Object.fromEntries(calls.map((call) => [requestName(call, calls), call.input])),
    ...answerSchemas,
    [failureComponent]: edgeFailureBodySchema,
  };
}

/** `processPayment` takes a `ProcessPaymentRequest`. */
function requestName(call: Call, calls: readonly Call[]): string {
  const { service, handler } = call;
  return `${hasNamesake(call, calls) ? capitalized(service) : ""}${capitalized(handler)}Request`;
}

function capitalized(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** Handlers of one service have different names; those of two services may not. */
export function hasNamesake({ service, handler }: Call, calls: readonly Call[]): boolean {
  return calls.some((other) => other.handler === handler && other.service !== service);
}

export function reference(component: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${component}` };
}
