/** Stripe's HTTP client behind a pacer: each request has its turn first, those that the stripe package repeats by itself included. */
import { Stripe } from "stripe";
import { apiOperation } from "./apiOperation.ts";
import { NoTurn, type Pacer } from "./pacing.ts";
import { presentTerms, WithdrawnRequest } from "./terms.ts";

export type HttpClient = ReturnType<typeof Stripe.createNodeHttpClient>;

export function pacedHttpClient(pacer: Pacer): HttpClient {
  const client = Stripe.createNodeHttpClient();
  return {
    getClientName: () => client.getClientName(),
    // The time that a request may take counts from here on: it starts with the inner client.
    async makeRequest(host, port, path, method, ...rest) {
      const operation = apiOperation(method, path);
      const { check, ...terms } = presentTerms();
      await pacer.turn({ ...terms, operation });
      check?.();
      const sentAtMs = pacer.now();
      const response = await client.makeRequest(host, port, path, method, ...rest);
      // Without the header a 429 says that an object is locked.
      const reason = response.getHeaders()["stripe-rate-limited-reason"];
      if (response.getStatusCode() === 429 && reason !== undefined) pacer.refused(operation, String(reason), sentAtMs);
      return response;
    },
  };
}

/** Why a request was not sent, in the error that the stripe package makes of it; null where it was sent. */
export function unsent(error: unknown): NoTurn | WithdrawnRequest<unknown> | null {
  if (!(error instanceof Stripe.errors.StripeConnectionError)) return null;
  const { detail } = error;
  return detail instanceof NoTurn || detail instanceof WithdrawnRequest ? detail : null;
}
