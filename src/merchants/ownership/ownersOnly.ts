/**
 * Merchants may share a Stripe account, and none may know of another's objects. The HTTP client of a merchant's gateway is this one then: an
 * object of another merchant is as if it didn't exist.
 *
 * ```
 *   request ─▶ names another's object? ─ yes ─▶ "No such …", and nothing is sent
 *                    │ no
 *                    ▼
 *                  sent ─▶ answer ─┬─ another's object ───▶ "No such …"
 *                                  ├─ a page ─────────────▶ without theirs; empty so: the next page
 *                                  └─ anything else ──────▶ as it is
 * ```
 *
 * Objects say by their metadata who made them; those that no call of ours made belong to whoever owns their payment or customer, and else
 * to nobody: all may see them. Owners are remembered, so that a payment costs no request more than it does alone.
 */
import { apiOperation } from "../../stripe/apiOperation.ts";
import type { HttpClient } from "../../stripe/pacedHttpClient.ts";
import { onTerms, presentTerms } from "../../stripe/terms.ts";
import { namedObjects, type NamedObjects } from "./namedObjects.ts";
import { Owners } from "./owners.ts";
import {
  isStripeObject,
  noAccess,
  noSuch,
  referenceTo,
  type Reference,
  type StripeObject,
  type StripeRefusal,
} from "./resources.ts";
import { answered, refused, unreadable, type Response } from "./responses.ts";

type Sending = Parameters<HttpClient["makeRequest"]>;

/** A look-up that takes longer would keep its request from being sent in time. */
const lookUpTimeoutMs = 10_000;

/** Why an owner can't be told: Stripe's answer to the look-up is the answer to the request. */
class Unanswered extends Error {
  override readonly name = "Unanswered";
  readonly response: Response;
  constructor(response: Response) {
    super("Stripe did not say whose an object is.");
    this.response = response;
  }
}

/** @param merchant whose requests pass */
export function ownersOnly(merchant: string): (client: HttpClient) => HttpClient {
  return (client) => {
    const owners = new Owners();
    return {
      getClientName: () => client.getClientName(),
      makeRequest: async (...sending) => {
        const [, , path, method] = sending;
        const urgency = presentTerms().urgency ?? apiOperation(method, path).urgency;
        // What is asked beforehand is as urgent as the request itself.
        return await onTerms({ urgency }, async () => await new Exchange(client, owners, merchant, sending).answer());
      },
    };
  };
}

/** One request, with what has to be known for it. */
class Exchange {
  readonly #client: HttpClient;
  readonly #owners: Owners;
  readonly #merchant: string;
  readonly #sending: Sending;
  /** The connected account; empty for the key's own. */
  readonly #account: string;

  constructor(client: HttpClient, owners: Owners, merchant: string, sending: Sending) {
    this.#client = client;
    this.#owners = owners;
    this.#merchant = merchant;
    this.#sending = sending;
    this.#account = headerOf(sending[4], "stripe-account");
  }

  async answer(): Promise<Response> {
    const [, , path, method, , form] = this.#sending;
    try {
      const named = namedObjects({ method, path, form: isForm(this.#sending[4]) ? form : "" });
      const refusal = (await this.#accountRefusal()) ?? (await this.#refusal(method, named));
      if (refusal !== null) return refused(refusal);
      // Time has passed since the request was begun.
      presentTerms().check?.();
      const response = await this.#client.makeRequest(...this.#sending);
      return await this.#seen(response, method, named);
    } catch (error) {
      if (error instanceof Unanswered) return error.response;
      throw error;
    }
  }

  /** A connected account may be another merchant's, too. */
  async #accountRefusal(): Promise<StripeRefusal | null> {
    const account = referenceTo("account", this.#account);
    if (account === null) return null;
    return (await this.#isAnothers(account, "")) ? noAccess(this.#account) : null;
  }

  async #refusal(method: string, { addressed, inParameters }: NamedObjects): Promise<StripeRefusal | null> {
    // The answer to a read shows whose the object is, and a list's objects whose they are.
    const isRead = method === "GET";
    if (addressed !== null && !(isRead && addressed.isWhole) && (await this.#isAnothers(addressed.reference))) {
      return noSuch(addressed.reference, null);
    }
    if (isRead) return null;
    for (const { parameter, reference } of inParameters) {
      if (await this.#isAnothers(reference, this.#accountWith(reference))) return noSuch(reference, parameter);
    }
    return null;
  }

  async #isAnothers(reference: Reference, account: string = this.#accountWith(reference)): Promise<boolean> {
    const owner = await this.#owners.of(reference, account, async (wanted) => await this.#read(wanted, account));
    return owner !== null && owner !== this.#merchant;
  }

  async #isAnothersObject(object: StripeObject): Promise<boolean> {
    const account = object.object === "account" ? "" : this.#account;
    const owner = await this.#owners.ofObject(object, account, async (wanted) => {
      return await this.#read(wanted, wanted.kind === "account" ? "" : account);
    });
    return owner !== null && owner !== this.#merchant;
  }

  /** Accounts are objects of the platform. */
  #accountWith({ kind }: Reference): string {
    return kind === "account" ? "" : this.#account;
  }

  async #read({ kind, path }: Reference, account: string): Promise<StripeObject | null> {
    const response = await this.#get(path, account);
    const status = response.getStatusCode();
    if (status === 404) return null;
    const body: unknown = await response.toJSON().catch((error: unknown) => {
      throw new Unanswered(unreadable(response, error));
    });
    // No account of ours is nobody's: the request is sent, and Stripe says in its own words that there is none.
    if (kind === "account" && status === 403 && isAccountInvalid(body)) return null;
    if (status < 400 && isStripeObject(body)) return body;
    throw new Unanswered(answered(response, body));
  }

  async #get(path: string, account = this.#account): Promise<Response> {
    const [host, port, , , headers, , protocol, timeoutMs] = this.#sending;
    const kept = Object.entries(headers).filter(([name]) => !ofTheRequestAlone.has(name.toLowerCase()));
    const withAccount = account === "" ? {} : { "Stripe-Account": account };
    const timeout = Math.min(timeoutMs, lookUpTimeoutMs);
    // OAuth has a host of its own.
    const api = host.startsWith("connect.") ? host.replace("connect.", "api.") : host;
    return await this.#client.makeRequest(
      api,
      port,
      path,
      "GET",
      { ...Object.fromEntries(kept), ...withAccount },
      "",
      protocol,
      timeout,
    );
  }

  async #seen(response: Response, method: string, { addressed }: NamedObjects): Promise<Response> {
    if (response.getStatusCode() >= 400) return response;
    let body: unknown;
    try {
      body = await response.toJSON();
    } catch (error) {
      return unreadable(response, error);
    }
    if (!isStripeObject(body)) return answered(response, body);
    // What was done is done, and its answer waits for no look-up.
    if (method !== "GET") this.#owners.note(body, this.#account);
    if (method !== "GET") return answered(response, body);
    if (isPage(body)) return await this.#ownPage(response, body);
    if (addressed === null || !(await this.#isAnothersObject(body))) return answered(response, body);
    return refused(noSuch(addressed.reference, null));
  }

  /** The page without the objects of others. Paging goes on after its last object, so a page that is empty so is passed over. */
  async #ownPage(first: Response, firstPage: Page): Promise<Response> {
    let response = first;
    let page = firstPage;
    for (;;) {
      const data = [];
      for (const listed of page.data) {
        if (!isStripeObject(listed) || listed.object === "event" || !(await this.#isAnothersObject(listed))) {
          data.push(listed);
        }
      }
      const next = data.length === 0 ? this.#pathAfter(page) : null;
      if (next === null) return answered(response, { ...page, data });
      presentTerms().check?.();
      response = await this.#get(next);
      if (response.getStatusCode() >= 400) return response;
      const body: unknown = await response.toJSON();
      if (!isStripeObject(body) || !isPage(body)) return answered(response, body);
      page = body;
    }
  }

  /** The path of the page after this one; null after the last one. */
  #pathAfter({ has_more: hasMore, next_page: nextPage, data }: Page): string | null {
    if (!hasMore) return null;
    const [pathname = "", query = ""] = this.#sending[2].split("?", 2);
    const parameters = new URLSearchParams(query);
    const cursor = parameters.has("ending_before") ? "ending_before" : "starting_after";
    const last = parameters.has("ending_before") ? data[0] : data.at(-1);
    if (typeof nextPage === "string") parameters.set("page", nextPage);
    else if (isStripeObject(last) && typeof last["id"] === "string") parameters.set(cursor, last["id"]);
    else return null;
    return `${pathname}?${parameters.toString()}`;
  }
}

function isAccountInvalid(body: unknown): boolean {
  const error = typeof body === "object" && body !== null && "error" in body ? body.error : null;
  return typeof error === "object" && error !== null && "code" in error && error.code === "account_invalid";
}

type Page = StripeObject & {
  readonly data: readonly unknown[];
  readonly has_more?: boolean;
  /** Of a search. */
  readonly next_page?: string | null;
};

function isPage(object: StripeObject): object is Page {
  return (object.object === "list" || object.object === "search_result") && Array.isArray(object["data"]);
}

/** Headers that say something about a request's own body or identity. */
const ofTheRequestAlone: ReadonlySet<string> = new Set([
  "content-length",
  "content-type",
  "idempotency-key",
  "stripe-account",
]);

function headerOf(headers: Sending[4], name: string): string {
  const value = Object.entries(headers).find(([known]) => known.toLowerCase() === name)?.[1];
  return value === undefined || value === null ? "" : String(value);
}

function isForm(headers: Sending[4]): boolean {
  return headerOf(headers, "content-type").startsWith("application/x-www-form-urlencoded");
}
