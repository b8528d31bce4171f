/**
 * The typed client of the edge: the entry `restate-stripe-payments/client` of the package. It needs nothing but `fetch`.
 *
 * A call returns its outcome, also days later: the client waits through dropped connections, restarts and the time-outs of
 * proxies. A failure is a `PaymentsError`.
 */
import type { z } from "zod";
import type { services } from "./calls.ts";
import { callTable, type KeyRule } from "./client/callTable.ts";
import type { Limits } from "./client/patience.ts";
import { PaymentsError } from "./client/paymentsError.ts";
import { usualPace, waitForOutcome, type Connection, type Fetch } from "./client/waitForOutcome.ts";

export { PaymentsError, type PaymentsErrorMetadata, type PaymentsErrorReason } from "./client/paymentsError.ts";
export type { Fetch } from "./client/waitForOutcome.ts";

export type PaymentsClientOptions = {
  /** Where the edge is, such as `https://payments.example.com`. */
  readonly url: string;
  /** Not needed against the sandbox of `npm start`. */
  readonly apiKey?: string | undefined;
  /** Instead of the runtime's own. */
  readonly fetch?: Fetch | undefined;
};

/** How long a call is waited for, and the key under which it is asked for again. */
export type CallOptions = Limits & {
  /** Derive it from your order, so that it is the same after a crash of yours. */
  readonly idempotencyKey?: string | undefined;
};

/** A call that moves money needs a key. */
export type KeyedCallOptions = Limits & { readonly idempotencyKey: string };

type Declared = { readonly input: z.ZodType; readonly output: z.ZodType; readonly needsKey: boolean };

type Method<Call extends Declared> = Call extends { readonly needsKey: true }
  ? (request: z.input<Call["input"]>, options: KeyedCallOptions) => Promise<z.output<Call["output"]>>
  : (request: z.input<Call["input"]>, options?: CallOptions) => Promise<z.output<Call["output"]>>;

/** Every call of every service. */
export type PaymentsServices = {
  readonly [Service in keyof typeof services]: {
    readonly [Handler in keyof (typeof services)[Service]]: (typeof services)[Service][Handler] extends Declared
      ? Method<(typeof services)[Service][Handler]>
      : never;
  };
};

/** A client has each service of the registry, so that a call that is added to it can be made at once. */
export type PaymentsClient = PaymentsServices;

class ClientOfRegistry {
  static {
    // The name that callers know.
    Object.defineProperty(this, "name", { value: "PaymentsClient" });
  }

  constructor(options: PaymentsClientOptions) {
    Object.assign(this, servicesOf(connectionOf(options)));
  }
}

/** @throws TypeError if an option is wrong */
export const PaymentsClient = ClientOfRegistry as unknown as {
  new (options: PaymentsClientOptions): PaymentsClient;
  readonly prototype: PaymentsClient;
};

function servicesOf(connection: Connection): PaymentsServices {
  const services = Object.entries(callTable).map(([service, rules]) => [
    service,
    serviceOf(connection, service, rules),
  ]);
  return Object.fromEntries(services) as PaymentsServices;
}

function serviceOf(connection: Connection, service: string, rules: Readonly<Record<string, KeyRule>>): object {
  const methods = Object.entries(rules).map(([handler, rule]) => [
    handler,
    async (request: unknown, options: CallOptions = {}) => {
      const name = `${service}/${handler}`;
      checkTimeout(options.timeoutMs);
      const idempotencyKey = keyOf(name, rule, options.idempotencyKey);
      return await waitForOutcome(connection, { name, body: JSON.stringify(request), idempotencyKey }, options);
    },
  ]);
  return Object.fromEntries(methods) as object;
}

/** A wrong header would fail in `fetch`, with the key in its message, and look like a connection that failed. */
const header = /^[\x21-\x7e]+$/;

function connectionOf({ url, apiKey, fetch }: PaymentsClientOptions): Connection {
  const parsed = urlOf(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new TypeError("url: must be an http(s) URL, such as https://payments.example.com.");
  }
  if (parsed.username !== "" || parsed.password !== "" || parsed.search !== "" || parsed.hash !== "") {
    throw new TypeError("url: must have no user name, password, query or fragment.");
  }
  if (apiKey !== undefined && !header.test(apiKey)) {
    throw new TypeError("apiKey: must be printable ASCII without spaces and line breaks.");
  }
  return {
    url: parsed.href.replace(/\/+$/, ""),
    apiKey: apiKey ?? null,
    fetch: fetch ?? ((address, init) => globalThis.fetch(address, init)),
    pace: usualPace,
  };
}

/** `URL.parse` is not in every runtime yet. */
function urlOf(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || timeoutMs > 0) return;
  throw new TypeError(`timeoutMs: must be more than 0, and is ${timeoutMs}.`);
}

/** @throws PaymentsError as the edge would refuse the key */
function keyOf(name: string, rule: KeyRule, given: string | undefined): string | null {
  if (given === undefined && rule !== "required") return rule === "made" ? crypto.randomUUID() : null;
  if (typeof given === "string" && given.length <= 255 && /^[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*$/.test(given))
    return given;
  const message =
    given === undefined
      ? `${name} needs an idempotencyKey.`
      : "idempotencyKey: must be 1 to 255 printable ASCII characters, not blank.";
  throw new PaymentsError({ status: 400, message, metadata: { reason: "invalid_request" }, errors: [], callId: null });
}
