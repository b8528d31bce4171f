import { hash } from "node:crypto";
import { ApiError } from "./apiError.ts";
import { DAY_MS } from "../world/clock.ts";
import type { Store } from "../world/store.ts";

/**
 * Idempotency: the first answer to a key is the answer to that key for a day, as long as the request is the
 * same. https://docs.stripe.com/api/idempotent_requests
 */
export type IdempotentRequest = {
  readonly account: string;
  readonly key: string;
  readonly endpoint: string;
  readonly fingerprint: string;
};

export type SavedAnswer = { readonly status: number; readonly body: string };

const KEPT_MS = DAY_MS;

/** The same parameters in another order are the same request. */
export function fingerprint(form: string): string {
  return hash("sha256", form.split("&").toSorted().join("&"), "base64url");
}

export class SavedAnswers {
  readonly #store: Store;
  readonly #inFlight = new Set<string>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Gives the saved answer, or null when the request is to be executed; throws when the key can't be used for it. Until
   * the release, the same key is refused as being in use.
   */
  claim(request: IdempotentRequest, nowMs: number): SavedAnswer | null {
    if (this.#inFlight.has(nameOf(request))) throw keyInUse(request.key);
    const saved = this.#find(request, nowMs);
    this.#inFlight.add(nameOf(request));
    return saved;
  }

  release(request: IdempotentRequest): void {
    this.#inFlight.delete(nameOf(request));
  }

  #find(request: IdempotentRequest, nowMs: number): SavedAnswer | null {
    const row = this.#store.row("SELECT * FROM answers WHERE account = ? AND key = ?", request.account, request.key);
    if (row === undefined || Number(row["saved_at_ms"]) <= nowMs - KEPT_MS) return null;
    const other = `Try using a key other than '${request.key}' if you meant to execute a different request.`;
    if (row["endpoint"] !== request.endpoint) {
      const path = String(row["endpoint"]).split(" ")[1];
      throw idempotencyError(
        `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${path}'). ${other}`,
      );
    }
    if (row["fingerprint"] !== request.fingerprint) {
      throw idempotencyError(
        `Keys for idempotent requests can only be used with the same parameters they were first used with. ${other}`,
      );
    }
    return { status: Number(row["status"]), body: String(row["body"]) };
  }

  /** Runs inside the transaction that holds the work itself. */
  save(request: IdempotentRequest, answer: SavedAnswer, nowMs: number): void {
    this.#store.run(
      "INSERT OR REPLACE INTO answers (account, key, endpoint, fingerprint, status, body, saved_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
      request.account,
      request.key,
      request.endpoint,
      request.fingerprint,
      answer.status,
      answer.body,
      nowMs,
    );
  }

  prune(nowMs: number): void {
    this.#store.run("DELETE FROM answers WHERE saved_at_ms <= ?", nowMs - KEPT_MS);
  }
}

function nameOf({ account, key }: IdempotentRequest): string {
  return `${account} ${key}`;
}

function idempotencyError(message: string): ApiError {
  return new ApiError(400, "refused", { type: "idempotency_error", message });
}

export function keyInUse(key: string): ApiError {
  const message = `There is currently another in-progress request using this Stripe-Idempotency-Key (that probably means you submitted twice, and the other request is still going through): ${key}. If you continue to see this error, you might want to contact us at https://support.stripe.com/.`;
  const body = { type: "idempotency_error", code: "idempotency_key_in_use", message } as const;
  return new ApiError(409, "refused", body, { "Stripe-Should-Retry": "true" });
}
