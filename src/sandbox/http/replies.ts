import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { SandboxContext } from "./app.ts";
import { newRequestId } from "../world/identifiers.ts";

/** Every response of the sandbox is made here, and says in a header what the sandbox is. */
const BANNER = "restate-stripe-payments sandbox, not Stripe";

export const JSON_TYPE = "application/json; charset=utf-8";

export type Headers = Readonly<Record<string, string>>;

export function reply(status: number, body: string, headers: Headers): Response {
  return new Response(body, { status, headers: { ...headers, "X-Sandbox": BANNER } });
}

export function replyJson(status: number, body: string, headers: Headers = {}): Response {
  return reply(status, body, { ...headers, "Content-Type": JSON_TYPE });
}

/** Sends a browser to another page, which it gets by GET. */
export function redirect(url: string): Response {
  // A header takes only characters of one byte; whatever the merchant wrote beyond them is escaped.
  return reply(303, "", { Location: /[^\x21-\x7e]/.test(url) ? encodeURI(url) : url });
}

/** A request that is refused before or instead of an endpoint's work is answered in Stripe's form too. */
export function refuse(status: number, message: string): Response {
  const type = status >= 500 ? "api_error" : "invalid_request_error";
  return replyJson(status, JSON.stringify({ error: { type, message } }), { "Request-Id": newRequestId() });
}

/** Ends the connection without an answer. */
export function cutConnection({ env }: SandboxContext): Response {
  env.incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}
