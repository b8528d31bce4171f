/** Who is told of payments, and what the settings that say so look like. Each function gives what a text says, or undefined where it can't be used. */

export type HttpReceiver = {
  readonly kind: "http";
  readonly url: string;
  /** `whsec_…`; every one signs, so that the receiver can change from one to the next without a gap. */
  readonly secrets: readonly string[];
};

export type ServiceReceiver = { readonly kind: "service"; readonly service: string; readonly handler: string };

export type NotificationReceiver = HttpReceiver | ServiceReceiver;

/** An address without credentials in it: those would end up in the receiver's logs. */
export function receiverUrlOf(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "" || url.hash !== "") return undefined;
  return url.protocol === "https:" || url.protocol === "http:" ? url : undefined;
}

/** One secret, or several separated by commas while one is being changed for another. */
export function secretsOf(text: string): readonly string[] | undefined {
  const secrets = text.split(",").map((entry) => entry.trim());
  return secrets.every(isSecret) ? secrets : undefined;
}

const prefix = "whsec_";

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme */
function isSecret(text: string): boolean {
  const encoded = text.slice(prefix.length);
  const key = Buffer.from(encoded, "base64");
  // The canonical form only: whoever decodes more strictly than Node would sign with another key, or with none.
  return text.startsWith(prefix) && key.length >= 24 && key.length <= 64 && key.toString("base64") === encoded;
}

/** `service/handler`. */
export function serviceOf(text: string): { readonly service: string; readonly handler: string } | undefined {
  const [, service, handler] = /^([A-Za-z][\w.-]*)\/([A-Za-z]\w*)$/.exec(text) ?? [];
  return service === undefined || handler === undefined ? undefined : { service, handler };
}
