import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { HTTPException } from "hono/http-exception";
import type { SandboxContext } from "./app.ts";
import { newRequestId } from "../world/identifiers.ts";

/** Every response of the sandbox is made here, and says in a header what the sandbox is. */
const BANNER = "restate-stripe-payments sandbox, not Stripe";

export const JSON_TYPE = "application/json; charset=utf-8";

export type Headers = Readonly<Record<string, string>>;

export function reply(status: number, body: string, headers: Headers): Response {
  // The length is said here for the answer to HEAD, which Hono sends without the body.
  const length = String(Buffer.byteLength(body));
  return new Response(body, { status, headers: { ...headers, "Content-Length": length, "X-Sandbox": BANNER } });
}

export function replyJson(status: number, body: string, headers: Headers = {}): Response {
  return reply(status, body, { ...headers, "Content-Type": JSON_TYPE });
}

/** Sends a browser to another page, which it gets by GET. */
export function redirect(url: string): Response {
  // A header takes only characters of one byte. What a parameter can't write is written as browsers do, its host included.
  const isPlain = !/[^\x21-\x7e]/.test(url);
  return reply(303, "", { Location: isPlain ? url : (URL.parse(url)?.href ?? encodeURI(url)) });
}

/** An answer as plain data. */
export type PlainReply = { readonly status: number; readonly headers: Headers; readonly body: string };

/** A request that is refused before or instead of an endpoint's work is answered in Stripe's form too. */
export function refusalReply(status: number, message: string): PlainReply {
  const type = status >= 500 ? "api_error" : "invalid_request_error";
  const headers = { "Request-Id": newRequestId(), "Content-Type": JSON_TYPE };
  // The rest of a body that is too large isn't read.
  const ending = status === 413 ? { Connection: "close" } : {};
  return { status, headers: { ...headers, ...ending }, body: JSON.stringify({ error: { type, message } }) };
}

/** The same for what the work threw. */
export function failureReply(error: unknown): PlainReply {
  const status = error instanceof HTTPException ? error.status : 500;
  return refusalReply(status, error instanceof Error ? error.message : String(error));
}

/** Ends the connection without an answer. */
export function cutConnection({ env }: SandboxContext): Response {
  env.incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}
