/** A call of the client to a server with a script, and the error that it ends with. */
import { inspect } from "node:util";
import { PaymentsClient, PaymentsError } from "../../../src/api/client.ts";
import { json, startScriptedEdge, type Line, type ScriptedEdge } from "./scriptedEdge.ts";

export const apiKey = "key_4oq7Zt9QmX2canary";
export const payment = { paymentMethodId: "pm_card_visa", amount: 109 };
export const outcome = { paymentIntentId: "pi_1", status: "succeeded", amount: 109 };
export const succeeded = json(200, outcome);

/** Pays by a client at a server with the script. */
export async function pay(
  lines: readonly Line[],
  limits: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
) {
  const server = await startScriptedEdge(lines);
  const client = new PaymentsClient({ url: server.url, apiKey });
  const answer = client.payments.processPayment(payment, { idempotencyKey: "order-1", ...limits });
  return { server, answer };
}

export async function errorOf(answer: Promise<unknown>): Promise<PaymentsError> {
  const error: unknown = await answer.then(
    () => "no error",
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PaymentsError)) throw new Error(`No PaymentsError: ${inspect(error)}`);
  return error;
}

export const asked = (server: ScriptedEdge) => server.received.map(({ method, path }) => `${method} ${path}`);

export const post = "POST /payments/processPayment";
export const get = "GET /calls/call_1";
