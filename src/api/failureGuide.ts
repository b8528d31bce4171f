/** Failures explained to callers: the meaning of each reason, the way on from it, and the calls that end with it. */
import type { services } from "./calls.ts";
import type { EdgeFailureReason } from "./edgeFailures.ts";
import type { FailureReason } from "./failures.ts";

/** Markdown, for the documents. */
type Explanation = { readonly meaning: string; readonly remedy: string };

export const reasonGuide: Readonly<Record<FailureReason, Explanation>> = {
  invalid_request: {
    meaning:
      "A field is wrong. Stripe refused it (`param`, `stripeCode`), or our schema did (`errors`; at the engine's ingress `message` names the first ten errors, without `metadata`).",
    remedy: "Mend the request and use a new key.",
  },
  declined: {
    meaning:
      "Card or bank said no, at once or later (`declineCode`, `stripeCode`; `adviceCode` and `networkDeclineCode` where Stripe gives them).",
    remedy:
      "Ask for another payment method and use a new key. After a [soft decline](guide.md#references) the same payment method may be tried again later, with a new key.",
  },
  not_found: {
    meaning: "The object that the call names does not exist, or the customer was deleted.",
    remedy: "Check the id and the Stripe account.",
  },
  timed_out: {
    meaning: "It was still pending at the deadline. `compensation` says what became of it.",
    remedy:
      "Treat it as not paid. With `canceled` it can't succeed any more, with `watching` it is refunded if it does, with `none` it was left as it is.",
  },
  canceled: {
    meaning:
      "Somebody cancelled it: in Stripe, through `cancelPayment`, or the call itself with `restate inv cancel`. An authorization that expired is cancelled, too.",
    remedy:
      "Treat it as not paid. With the `compensation` `none` only the call was cancelled: read the state. With `watching` (`awaitPayment`) it succeeded after it was given up, and is refunded.",
  },
  conflict: {
    meaning:
      "The object's state doesn't allow it: captured with another amount, nothing left to refund, cancelled too late, a dispute that is closed.",
    remedy: "Read the state with `getPayment` or `getDispute`.",
  },
  refund_failed: {
    meaning:
      "The refund ended failed or cancelled (`refundId`, and Stripe's `failureReason`). The money is yours again.",
    remedy: "Refund in another way.",
  },
  balance_insufficient: {
    meaning: "Your balance at Stripe is too low for the refund. Nothing was refunded.",
    remedy:
      "Top the balance up, or wait for payments, and ask again, with the same key if you like: this answer is not kept.",
  },
  rejected: {
    meaning: "Stripe disabled the account for good (`disabledReason` of `getAccount`).",
    remedy: "The account can't be used. Its owner has to turn to Stripe.",
  },
  deauthorized: {
    meaning: "The account is not connected to yours, or is no longer.",
    remedy: "Ask its owner to connect it again.",
  },
  needs_review: {
    meaning: "Stripe answered something that must not be repeated blindly.",
    remedy: "Have a person look at the object (`paymentIntentId`, `setupIntentId`, …) in Stripe's dashboard.",
  },
};

/** The same for requests that the edge answers by itself, and for what it says of a refused body. */
export const edgeReasonGuide: Readonly<Record<EdgeFailureReason | "invalid_request" | "not_found", Explanation>> = {
  invalid_request: {
    meaning:
      "A field is wrong. `errors` lists the fields that our schema refuses. `param` and `stripeCode` name what Stripe refuses.",
    remedy: "Correct the request and use a new key.",
  },
  not_found: {
    meaning: "There is no such address, or your API key made no call with this id.",
    remedy: "Check the address. Post a call again, with the same key, to get its answer.",
  },
  unauthorized: {
    meaning: "The API key is missing, wrong or revoked.",
    remedy: "Send `authorization: Bearer <key>`. Nothing was accepted.",
  },
  forbidden: {
    meaning:
      "The API key lacks the scope of the call, the request names another merchant than the key's, or that merchant is not configured. Or a web page sent a call without a key.",
    remedy: "Use a key that has the scope, and is of the merchant. Nothing was accepted.",
  },
  too_large: {
    meaning: "The body is larger than 1 MiB.",
    remedy: "Send a smaller body. Nothing was accepted.",
  },
  idempotency_key_reused: {
    meaning: "The idempotency key came before with another body or account.",
    remedy: "Use a new key for a new request.",
  },
  rate_limited: {
    meaning: "Too many requests came with this API key, or from this address.",
    remedy: "Wait as long as `retry-after` says and repeat the request. Nothing was accepted.",
  },
  unknown: {
    meaning: "The engine went away after it was sent the call, so the call may have been accepted.",
    remedy: "Repeat the same request with the same key. That never charges twice.",
  },
  unavailable: {
    meaning: "The engine can't be reached. Nothing was accepted.",
    remedy: "Repeat the request later.",
  },
};

/** `true`, or the only case in which the call ends with the reason. */
type FailuresOfCall = { readonly [Reason in FailureReason]?: true | string };

const onlyTheCall = "if the call itself is cancelled";
const onlyAwaiting = "with `awaitOutcome`";
const byReference = "with `reference`, while its payment is still to be made";

/** Which call ends with which reason. */
export const failuresOfCalls: {
  readonly [Service in keyof typeof services]: {
    readonly [Handler in keyof (typeof services)[Service]]: FailuresOfCall;
  };
} = {
  payments: {
    processPayment: {
      invalid_request: true,
      declined: true,
      timed_out: true,
      canceled: true,
      conflict: "with `reference`",
      needs_review: true,
    },
    awaitPayment: {
      invalid_request: true,
      declined: true,
      not_found: true,
      timed_out: true,
      canceled: true,
      conflict: byReference,
      needs_review: true,
    },
    getPayment: { invalid_request: true, not_found: true, conflict: byReference },
    capturePayment: {
      invalid_request: true,
      declined: true,
      not_found: true,
      timed_out: true,
      canceled: true,
      conflict: true,
      needs_review: true,
    },
    cancelPayment: {
      invalid_request: true,
      not_found: true,
      timed_out: true,
      canceled: onlyTheCall,
      conflict: true,
      refund_failed: "with `refundIfSucceeded`",
      balance_insufficient: "with `refundIfSucceeded`",
      needs_review: true,
    },
    refundPayment: {
      invalid_request: true,
      not_found: true,
      timed_out: true,
      canceled: onlyTheCall,
      conflict: true,
      refund_failed: true,
      balance_insufficient: true,
      needs_review: true,
    },
    awaitRefund: {
      invalid_request: true,
      not_found: true,
      timed_out: true,
      canceled: onlyTheCall,
      refund_failed: true,
      needs_review: true,
    },
    setupPaymentMethod: {
      invalid_request: true,
      declined: true,
      timed_out: true,
      canceled: true,
      needs_review: true,
    },
    awaitSetup: {
      invalid_request: true,
      declined: true,
      not_found: true,
      timed_out: true,
      canceled: true,
      needs_review: true,
    },
    createCustomer: { invalid_request: true, needs_review: true },
    getCustomer: { invalid_request: true, not_found: true },
    getDispute: {
      invalid_request: true,
      not_found: true,
      timed_out: onlyAwaiting,
      canceled: onlyTheCall,
      needs_review: true,
    },
    submitDisputeEvidence: {
      invalid_request: true,
      not_found: true,
      timed_out: onlyAwaiting,
      canceled: onlyTheCall,
      conflict: true,
      needs_review: true,
    },
    acceptDispute: {
      invalid_request: true,
      not_found: true,
      timed_out: onlyAwaiting,
      canceled: onlyTheCall,
      conflict: true,
      needs_review: true,
    },
  },
  accounts: {
    createAccount: { invalid_request: true, needs_review: true },
    getAccount: { invalid_request: true, not_found: true },
    createOnboardingLink: { invalid_request: true, not_found: true },
    awaitOnboarding: {
      invalid_request: true,
      not_found: true,
      timed_out: true,
      canceled: onlyTheCall,
      rejected: true,
      deauthorized: true,
    },
    createConnectUrl: { invalid_request: true },
    completeConnect: { invalid_request: true, canceled: onlyTheCall, deauthorized: true },
    disconnectAccount: { invalid_request: true, not_found: true, canceled: onlyTheCall },
    createTransfer: { invalid_request: true, canceled: onlyTheCall, balance_insufficient: true, needs_review: true },
    reverseTransfer: {
      invalid_request: true,
      not_found: true,
      canceled: onlyTheCall,
      conflict: true,
      balance_insufficient: true,
      needs_review: true,
    },
  },
};
