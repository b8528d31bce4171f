/** Answers of Stripe's that are another one than came over the wire, in the form that the stripe package takes from an HTTP client. */
import type { HttpClient } from "../../stripe/pacedHttpClient.ts";
import type { StripeRefusal } from "./resources.ts";

export type Response = Awaited<ReturnType<HttpClient["makeRequest"]>>;

/** A response whose body was read already, perhaps to be another one. */
export function answered(response: Response, body: unknown): Response {
  return {
    getStatusCode: () => response.getStatusCode(),
    getHeaders: () => response.getHeaders(),
    getRawResponse: () => response.getRawResponse(),
    toStream: (complete) => response.toStream(complete),
    toJSON: async () => body,
  } as Response;
}

/** The stripe package says what is wrong with a body as it reads it. */
export function unreadable(response: Response, error: unknown): Response {
  return { ...answered(response, null), toJSON: () => Promise.reject(error as Error) } as Response;
}

export function refused({ status, error }: StripeRefusal): Response {
  return {
    getStatusCode: () => status,
    getHeaders: () => ({}),
    getRawResponse: () => ({}),
    toStream: () => null,
    toJSON: async () => ({ error: { ...error } }),
  } as unknown as Response;
}
