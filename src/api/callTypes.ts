/** The types of requests, answers and failures for TypeScript callers: the entry `restate-stripe-payments` of the package. */
export type { MandateAcceptance, SettledBy } from "./fields.ts";
export type { BankAccount, NextAction, OtherActionType } from "./nextAction.ts";
export type { Compensation, FailureReason, PaymentFailureBody } from "./failures.ts";
export type {
  AwaitPaymentRequest,
  CancelOutcome,
  CancelPaymentRequest,
  CapturePaymentRequest,
  GetPaymentRequest,
  PaymentOutcome,
  PaymentState,
  ProcessPaymentRequest,
} from "../payments/contract.ts";
export type { RefundOutcome } from "./refundOutcome.ts";
export type { AwaitRefundRequest, RefundPaymentRequest } from "../refunds/contract.ts";
export type { AwaitSetupRequest, SetupOutcome, SetupPaymentMethodRequest } from "../setups/contract.ts";
export type { CreateCustomerRequest, CustomerState, GetCustomerRequest } from "../customers/contract.ts";
export type {
  AcceptDisputeRequest,
  DisputeEvidence,
  DisputeState,
  GetDisputeRequest,
  SubmitDisputeEvidenceRequest,
} from "../disputes/contract.ts";
export type {
  AccountState,
  AwaitOnboardingRequest,
  CompleteConnectRequest,
  ConnectedAccount,
  ConnectUrl,
  CreateAccountRequest,
  CreateConnectUrlRequest,
  CreateOnboardingLinkRequest,
  CreateTransferRequest,
  DisconnectAccountRequest,
  DisconnectedAccount,
  GetAccountRequest,
  OnboardedAccount,
  OnboardingLink,
  ReverseTransferRequest,
  TransferOutcome,
  TransferReversal,
} from "../accounts/contract.ts";
