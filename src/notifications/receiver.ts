/**
 * The merchant's own system, which is told what became of its payments: over HTTP, signed by the Standard Webhooks scheme, or
 * as a Restate service of theirs. Where it is comes from the configuration only, never from a request.
 *
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { Webhook } from "standardwebhooks";
import type { HttpReceiver } from "./settings.ts";
import type { PaymentNotification } from "./contract.ts";

/** What came of one delivery attempt. The receiver's answer is not kept beyond its status: it may say anything. */
export type Attempt =
  | { readonly kind: "taken"; readonly status: number }
  | { readonly kind: "refused"; readonly status: number }
  | { readonly kind: "unreachable"; readonly reason: string };

/**
 * Posts a notification once. Only a 2xx takes it; a redirect is not followed, because it would lead to an address that
 * nobody configured. Never throws: what failed is an attempt like any other.
 * @param timeoutMs how long the receiver may take to answer
 */
export async function postNotification(
  receiver: HttpReceiver,
  notification: PaymentNotification,
  timeoutMs: number,
): Promise<Attempt> {
  const body = JSON.stringify(notification);
  try {
    const response = await fetch(receiver.url, {
      method: "POST",
      body,
      headers: {
        "content-type": "application/json",
        "user-agent": "restate-stripe-payments/0.1.0",
        ...signedHeaders(receiver.secrets, notification.id, body, new Date()),
      },
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    // The status is the answer. A body that never ends would hold the connection.
    await response.body?.cancel().catch(() => {});
    return { kind: response.ok ? "taken" : "refused", status: response.status };
  } catch (error) {
    return { kind: "unreachable", reason: reasonOf(error) };
  }
}

/** The id is the same at every attempt, so that a receiver can tell what it had before; the time is that of the attempt. */
function signedHeaders(secrets: readonly string[], id: string, body: string, at: Date): Record<string, string> {
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(" "),
  };
}

/** A code such as ECONNREFUSED. Messages are left out: they quote addresses. */
function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return "no answer in time";
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : "the connection failed";
}
