import type { Stripe } from "stripe";

/**
 * An answer of the API that isn't a success, with its aftermath:
 * - `refused`: nothing ran, nothing is saved under the idempotency key (bad parameters, authentication, limits);
 * - `failed`: execution began, so that the answer is saved and replayed, but no object changed;
 * - `declined`: saved, and what was written stands (a declined payment leaves its PaymentIntent and Charge behind).
 * https://docs.stripe.com/api/idempotent_requests
 */
export type Aftermath = "refused" | "failed" | "declined";

export type ErrorBody = {
  readonly type: "api_error" | "card_error" | "idempotency_error" | "invalid_request_error";
  readonly message: string;
  readonly code?: string;
  readonly param?: string;
  readonly decline_code?: string;
  readonly advice_code?: string;
  readonly network_decline_code?: string;
  readonly charge?: string;
  readonly payment_intent?: Stripe.PaymentIntent;
  readonly payment_method?: Stripe.PaymentMethod;
  readonly setup_intent?: Stripe.SetupIntent;
};

export class ApiError extends Error {
  readonly status: number;
  readonly aftermath: Aftermath;
  readonly body: ErrorBody;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, aftermath: Aftermath, body: ErrorBody, headers: Readonly<Record<string, string>> = {}) {
    super(body.message);
    this.status = status;
    this.aftermath = aftermath;
    this.body = body;
    this.headers = headers;
  }
}

type Details = Omit<ErrorBody, "type" | "message">;

/** A parameter that can't be right, whatever the state of the objects. */
export function refusal(message: string, details: Details = {}): ApiError {
  return new ApiError(400, "refused", { type: "invalid_request_error", message, ...details });
}

export function parameterMissing(param: string): ApiError {
  return refusal(`Missing required param: ${param}.`, { code: "parameter_missing", param });
}

/** A payment that a card's issuer, or a look at the card's number, refuses. */
export function cardError(message: string, details: Details): ApiError {
  return new ApiError(402, "declined", { type: "card_error", message, ...details });
}

/** A request that the state of its objects doesn't allow. */
export function failure(message: string, details: Details = {}): ApiError {
  return new ApiError(400, "failed", { type: "invalid_request_error", message, ...details });
}

export function unexpectedState(message: string, paymentIntent: Stripe.PaymentIntent): ApiError {
  return failure(message, { code: "payment_intent_unexpected_state", payment_intent: paymentIntent });
}

/** Stripe answers 404 for the object that the URL names and 400 for one that a parameter names. */
export function missing(noun: string, id: string, param: string, status: 400 | 404 = 400): ApiError {
  return new ApiError(status, status === 404 ? "refused" : "failed", {
    type: "invalid_request_error",
    code: "resource_missing",
    param,
    message: `No such ${noun}: '${id}'`,
  });
}

/** The body as it goes over the wire, with the links that Stripe adds. */
export function wireError(error: ApiError, requestId: string): { error: ErrorBody & Record<string, unknown> } {
  const { code } = error.body;
  return {
    error: {
      ...error.body,
      ...(code === undefined ? {} : { doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll("_", "-")}` }),
      request_log_url: `https://dashboard.stripe.com/test/logs/${requestId}`,
    },
  };
}
