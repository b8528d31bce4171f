/**
 * The caller of a request: an application with an API key, or the developer of this machine, who needs none while Stripe is the sandbox.
 * The developer's port is open to more than the developer: to each website in his browser, and through a tunnel to the world. So a
 * call without a key has to come from this machine, for this machine's name, through no proxy, and from no other website's page.
 */
import { BlockList } from "node:net";
import { isWithin } from "../config/addresses.ts";
import { loopbackHosts } from "../config/settings.ts";
import type { ApiKey, ApiKeys } from "./apiKeys.ts";
import { clientAddress, type Connection } from "./clientAddress.ts";
import { isForeignBrowser } from "./foreignBrowser.ts";
import { onlyValue, type RequestHeaders } from "./requestHeaders.ts";

export type CallerRequest = Connection & { readonly method: string };

export type CallerRules = {
  /** Null where `API_KEYS_FILE` is unset. */
  readonly apiKeys: Pick<ApiKeys, "find"> | null;
  readonly isSandbox: boolean;
  readonly trustProxy: BlockList | null;
};

export type Caller =
  | { readonly kind: "key"; readonly key: ApiKey }
  | { readonly kind: "developer" }
  | {
      readonly kind: "refused";
      /** `unauthorized` where a key would help. */
      readonly reason: "unauthorized" | "forbidden";
      readonly message: string;
      /** Where the request comes from. */
      readonly address: string;
    };

type Refusal = Pick<Extract<Caller, { kind: "refused" }>, "reason" | "message">;

/** A key counts under any `Host` and from anywhere. Nothing of a key that was presented is in a refusal. */
export function identifyCaller(request: CallerRequest, rules: CallerRules): Caller {
  const { headers } = request;
  const isWithKey = headers["authorization"] !== undefined;
  const key = isWithKey && rules.apiKeys !== null ? rules.apiKeys.find(bearerOf(headers)) : null;
  if (key !== null) return { kind: "key", key };
  const refusal = isWithKey ? refusedKey(rules) : refusedWithoutKey(request, rules);
  if (refusal === null) return { kind: "developer" };
  return { kind: "refused", ...refusal, address: clientAddress(request, rules.trustProxy) };
}

/** The text after the scheme of the only `authorization` header; empty where there is none. https://datatracker.ietf.org/doc/html/rfc6750#section-2.1 */
function bearerOf(headers: RequestHeaders): string {
  return /^Bearer +(\S+)$/i.exec(onlyValue(headers, "authorization") ?? "")?.[1] ?? "";
}

function refusedKey({ apiKeys }: CallerRules): Refusal {
  return unauthorized(
    apiKeys === null
      ? "API_KEYS_FILE is not set here, so no API key is known. Set it, or call from this machine without a key."
      : "The API key is not valid. Expected one header authorization: Bearer <key>, with a key that was not revoked.",
  );
}

/** Why a request without a key is refused; null for the developer's own. */
function refusedWithoutKey(request: CallerRequest, { apiKeys, isSandbox }: CallerRules): Refusal | null {
  const { headers, method } = request;
  if (apiKeys !== null || !isSandbox) {
    return unauthorized("An API key is needed. Send it as authorization: Bearer <key>.");
  }
  if (!isFromThisMachine(request)) {
    return unauthorized(
      "Without an API key, calls are taken from this machine only, at localhost, 127.0.0.1 or [::1], through no proxy or tunnel. Set API_KEYS_FILE and make a key to call from elsewhere.",
    );
  }
  if (isForeignBrowser(headers)) {
    return forbidden("Without an API key, calls are not taken from pages of other websites.");
  }
  // A page can send a form or plain text anywhere without the browser's question whether it may. What has no body, as a cancellation,
  // needs no type: of that the browser tells the origin.
  if (method !== "GET" && method !== "HEAD" && !isJson(headers) && !isEmpty(headers)) {
    return forbidden("Without an API key, the header content-type: application/json is needed.");
  }
  return null;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * The name counts because its owner can let any other name point to this machine (DNS rebinding): the page under that name is then of
 * the same origin to the browser. The headers count because a tunnel's end is on this machine.
 */
function isFromThisMachine({ headers, remoteAddress }: CallerRequest): boolean {
  const host = onlyValue(headers, "host")
    ?.toLowerCase()
    .replace(/:\d{1,5}$/, "");
  return (
    host !== undefined &&
    loopbackHosts.includes(host) &&
    (remoteAddress === "127.0.0.1" || isWithin(loopback, remoteAddress ?? "")) &&
    !Object.keys(headers).some((name) => forwardingHeader.test(name))
  );
}

/**
 * Headers that proxies, tunnels and content networks add, by their names: RFC 7239 and RFC 9110, and those of nginx, Envoy, Cloudflare,
 * ngrok, Tailscale, Fastly, Fly, Akamai, Azure, AWS and Google.
 */
const forwardingHeader =
  /^(forwarded|via|cdn-loop|true-client-ip|client-ip|(x-)?(forwarded|real-ip|original-|client-ip|cluster-client-ip|proxyuser-ip|envoy-|ngrok-|vercel-|azure-|arr-|amzn-|amz-cf-|appengine-|cloud-trace-context|tunnel-)|(cf|ngrok|tailscale|fastly|fly|akamai)-)/;

function isJson(headers: RequestHeaders): boolean {
  return onlyValue(headers, "content-type")?.split(";")[0]?.trim().toLowerCase() === "application/json";
}

function isEmpty(headers: RequestHeaders): boolean {
  const hasType = headers["content-type"] !== undefined || headers["transfer-encoding"] !== undefined;
  return !hasType && (headers["content-length"] === undefined || onlyValue(headers, "content-length") === "0");
}

function unauthorized(message: string): Refusal {
  return { reason: "unauthorized", message };
}

function forbidden(message: string): Refusal {
  return { reason: "forbidden", message };
}
