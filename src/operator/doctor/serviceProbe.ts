/** Asks the service and the door for webhooks themselves, as somebody else on the network would. */
import { connect } from "node:http2";
import { requestEngine } from "../../engine/request.ts";
import { webhookAboutNothing } from "../../stripe/inspection.ts";
import { edgeReadinessSchema } from "../../api/edgeService.ts";
import type { EdgeAnswer } from "./findings/edge.ts";
import type { SignaturesQuestion } from "./findings/signatures.ts";
import type { WebhookPathAnswer } from "./findings/webhookPath.ts";

/** What the service says to a request that no engine has signed. */
export async function askUnsigned(address: string): Promise<SignaturesQuestion["unsigned"]> {
  if (!/^https?:/.test(address)) return "unreachable";
  const { promise, resolve } = Promise.withResolvers<SignaturesQuestion["unsigned"]>();
  const session = connect(address);
  session.on("error", () => resolve("unreachable"));
  const request = session.request({
    ":path": `${new URL(address).pathname.replace(/\/+$/, "")}/discover`,
    accept: "application/vnd.restate.endpointmanifest.v3+json",
  });
  request.on("error", () => resolve("unreachable"));
  request.on("response", (headers) => resolve(headers[":status"] === 401 ? "refused" : "accepted"));
  request.setTimeout(requestTimeoutMs, () => resolve("unreachable"));
  request.end();
  const answer = await promise;
  session.destroy();
  return answer;
}

/** Sends a webhook about nothing, signed with each of the secrets. The path of `processWebhook` takes those of all merchants at the ingress. */
export async function tryWebhookPath(
  entryUrl: string,
  secrets: readonly string[],
  path: string,
): Promise<readonly WebhookPathAnswer[]> {
  return await Promise.all(secrets.map((secret) => tryWebhook(entryUrl, secret, path)));
}

async function tryWebhook(entryUrl: string, secret: string, path: string): Promise<WebhookPathAnswer> {
  const { body, signature } = webhookAboutNothing(secret);
  try {
    const response = await requestEngine(entryUrl, path, {
      method: "POST",
      body,
      headers: {
        "content-type": "application/json",
        "stripe-signature": signature,
        // Its invocation is then known as ours, and not taken for a webhook of Stripe's.
        "idempotency-key": `${doctorKeyPrefix}${crypto.randomUUID()}`,
      },
      redirect: "manual",
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    await response.arrayBuffer();
    return { kind: "answered", status: response.status };
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    return { kind: "unreachable", message: isLate ? "no answer in time" : "no connection" };
  }
}

/** Asks an edge whether it is ready. */
export async function askEdge(entryUrl: string): Promise<EdgeAnswer> {
  try {
    const response = await requestEngine(entryUrl, "/readyz", {
      redirect: "manual",
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    const answer = edgeReadinessSchema.safeParse(await response.json());
    if (!answer.success) return { kind: "no_edge" };
    const { status, isTrustedByService = false } = answer.data;
    return status === "ready" ? { kind: "ready", isTrustedByService } : { kind: "not_ready" };
  } catch {
    return { kind: "no_edge" };
  }
}

/** How the idempotency keys of our own webhooks begin. */
export const doctorKeyPrefix = "restate-stripe-payments-doctor-";

const requestTimeoutMs = 5_000;
