/**
 * A webhook as it arrives, and what Stripe's scheme says of it: the header names a time `t`, and at least one of its `v1` is
 * HMAC-SHA256 over `<t>.<body>` with the endpoint's secret, in lower-case hex. https://docs.stripe.com/webhooks/signature
 * This is written from that page, over bytes and without Stripe's package, so that it can contradict what is tested.
 */
import { createHmac } from "node:crypto";

export type Webhook = { readonly body: Uint8Array; readonly header: string | undefined };

export type SignedWebhook = {
  readonly body: Buffer;
  readonly header: string;
  readonly timestamp: number;
  readonly signature: string;
};

export function signWebhook(body: Uint8Array, timestamp: number, secret: string): SignedWebhook {
  const signature = signatureOf(body, String(timestamp), secret);
  return { body: Buffer.from(body), header: `t=${timestamp},v1=${signature}`, timestamp, signature };
}

function signatureOf(body: Uint8Array, timestamp: string, secret: string): string {
  return createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest("hex");
}

/**
 * Whether the webhook carries a signature that somebody with one of the secrets made over this very body and time: then it is
 * genuine, however it was mutated on the way, and else it is forged. Of several times the last one counts, as Stripe's
 * libraries have it; what follows the digits, or a second `=`, is not part of the value.
 */
export function isGenuine({ body, header }: Webhook, secrets: readonly string[]): boolean {
  const parts = (header ?? "").split(",").map((part) => part.split("="));
  const valuesOf = (name: string) => parts.filter((part) => part[0] === name).map((part) => part[1] ?? "");
  const timestamp = /^\s*0*(\d+)/.exec(valuesOf("t").at(-1) ?? "")?.[1];
  if (timestamp === undefined) return false;
  const signatures = valuesOf("v1");
  return secrets.some((secret) => signatures.includes(signatureOf(body, timestamp, secret)));
}
