import { createHmac } from "node:crypto";
import { Agent as HttpAgent, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";

export type WebhookResult = { readonly status: number | null; readonly error: string | null };

const TIMEOUT_MS = 20_000;

/** https://docs.stripe.com/webhooks#verify-manually: the whole `whsec_…` text is the key, and each key signs once. */
function signatureHeader(body: string, secrets: readonly string[], seconds: number): string {
  const signatures = secrets.map((secret) => createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex"));
  return `t=${seconds},${signatures.map((signature) => `v1=${signature}`).join(",")}`;
}

/** Connections to the endpoints, which stay open between webhooks: opening one costs more than sending one. */
export class WebhookSender {
  readonly #http = new HttpAgent({ keepAlive: true });
  readonly #https = new HttpsAgent({ keepAlive: true });

  /** One attempt, signed at `seconds`. A redirect counts as a failure, as at Stripe. Never rejects. */
  async send(url: string, body: string, secrets: readonly string[], seconds: number): Promise<WebhookResult> {
    const headers = {
      "content-type": "application/json; charset=utf-8",
      "content-length": Buffer.byteLength(body),
      "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
      "stripe-signature": signatureHeader(body, secrets, seconds),
    };
    return await new Promise((resolve) => {
      const attempt = (): void => {
        const options = { method: "POST", headers, timeout: TIMEOUT_MS };
        const request = url.startsWith("https:")
          ? requestHttps(url, { ...options, agent: this.#https })
          : requestHttp(url, { ...options, agent: this.#http });
        request.on("timeout", () => request.destroy(new Error(`No answer within ${TIMEOUT_MS / 1000} s.`)));
        request.on("error", (error: NodeJS.ErrnoException) => {
          // The endpoint closed a connection just as the connection was to be used again, and has seen nothing.
          if (request.reusedSocket && error.code === "ECONNRESET") attempt();
          else resolve({ status: null, error: error.message || String(error.code) });
        });
        request.on("response", (response) => {
          const result = { status: response.statusCode ?? null, error: null };
          response.on("error", () => {}).once("close", () => resolve(result));
          response.resume();
        });
        request.end(body);
      };
      attempt();
    });
  }

  /** Breaks off the attempts that are under way. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}
