/** A merchant's client as the README wants it: no answer, or a 5xx without metadata, and it posts the same again. */
import { setTimeout as delay } from "node:timers/promises";
import { type Account, addressOf } from "../../src/merchants/rules.ts";
import type { Answer, AnswerBody, CallBody, ClientEvent, ClientLog } from "./clientLog.ts";
import type { Outages } from "./outages.ts";

export type Surroundings = {
  readonly ingressUrl: string;
  readonly edgeUrl: string;
  /** Tells by which door the calls of a payment come. */
  readonly doorOf: (payment: string) => Door;
  /** The account of a payment, which all of its calls name. */
  readonly accountOf: (payment: string) => Account;
  /** The payment in whose name the idempotency keys of a payment's calls are: its own, or that of another merchant's payment. */
  readonly keyNameOf: (payment: string) => string;
  readonly adminUrl: string;
  readonly sandboxUrl: string;
  readonly log: ClientLog;
  /** A text that is no secret, in the metadata of every payment, by which the search for secrets shows that it sees. */
  readonly marker: string;
  readonly callerHeader: string;
  readonly outages: Pick<Outages, "begin">;
  /** Ends the run for who still has no answer. */
  readonly limit: AbortSignal;
};

/** The engine's ingress, where the caller's key is the engine's; or the edge, which makes one of it, and tells the handlers more. */
export type Door = "ingress" | "edge";

export class Caller {
  readonly payment: string;
  readonly #around: Surroundings;
  #calls = 0;

  constructor(payment: string, around: Surroundings) {
    this.payment = payment;
    this.#around = around;
  }

  get metadata(): Readonly<Record<string, string>> {
    return { payment: this.payment, marker: this.#around.marker };
  }

  /** Names a call in the log: no two calls have one name. */
  newKey(): string {
    return `${this.#around.marker}-${this.payment}-${++this.#calls}`;
  }

  /** Calls a handler until it answers. @throws the limit's reason */
  async call(handler: string, asked: CallBody, key = this.newKey()): Promise<Answer> {
    const { log } = this.#around;
    const body = this.#addressed(asked);
    this.#intend(key, { handler, body });
    const answer = await this.#until(key, () => this.#post(`/payments/${handler}`, key, body));
    log.append(this.payment, key, { type: "answer", answer });
    return answer;
  }

  /** Asks once more for a reference, when everything is quiet. */
  async askLast(asked: CallBody): Promise<void> {
    const { log } = this.#around;
    const body = this.#addressed(asked);
    const key = `${this.newKey()}-last`;
    this.#intend(key, { handler: "processPayment", body, isLastAsk: true });
    const answer = await this.#until(key, () => this.#post("/payments/processPayment", key, body));
    log.append(this.payment, key, { type: "answer", answer });
  }

  /** Resolves when Stripe is down: by the outage that was drawn for this payment. */
  async outage(number: number): Promise<void> {
    await this.#around.outages.begin(number);
  }

  /** Hands a call over without waiting for its answer; gives its id, that of the engine or that of the edge. */
  async send(handler: string, asked: CallBody, key: string): Promise<string> {
    const body = this.#addressed(asked);
    this.#intend(key, { handler, body });
    const [path, prefer] = this.#door === "edge" ? [handler, { prefer: "respond-async" }] : [`${handler}/send`, {}];
    const { body: sent } = await this.#until(key, () => this.#post(`/payments/${path}`, key, body, prefer));
    const { invocationId, callId } = sent as { readonly invocationId?: string; readonly callId?: string };
    return String(invocationId ?? callId);
  }

  /** Waits for the answer of what was sent, by posting it again. */
  async answerOf(handler: string, asked: CallBody, key: string): Promise<Answer> {
    const { log } = this.#around;
    const body = this.#addressed(asked);
    const answer = await this.#until(key, () => this.#post(`/payments/${handler}`, key, body));
    log.append(this.payment, key, { type: "answer", answer });
    return answer;
  }

  /** Cancels a call as an operator would, or as the edge lets its caller. @param id what `send` gave */
  async cancelInvocation(id: string, key: string): Promise<void> {
    const { log, adminUrl, edgeUrl } = this.#around;
    log.append(this.payment, key, { type: "cancel", invocationId: id });
    await this.#until(key, async () => {
      const response =
        this.#door === "edge"
          ? await fetch(`${edgeUrl}/calls/${id}/cancel`, {
              method: "POST",
              headers: { "content-type": "application/json" },
              signal: this.#patience(),
            })
          : await fetch(`${adminUrl}/invocations/${id}/cancel`, { method: "PATCH", signal: this.#patience() });
      await response.body?.cancel();
      // The admin API says 404 and 409 of a call that has ended already, and the edge takes its cancellation.
      const isTaken = response.status < 300 || (this.#door === "ingress" && response.status < 500);
      return isTaken ? { status: response.status, body: {} } : `the cancellation was answered ${response.status}`;
    });
    log.append(this.payment, key, { type: "cancelled" });
  }

  /** What the customer does at Stripe, on the page that the payment leads to. */
  async actAsCustomer(paymentIntentId: string, outcome: "succeeded" | "failed", key: string): Promise<void> {
    const { log, sandboxUrl } = this.#around;
    log.append(this.payment, key, { type: "customer", outcome });
    await this.#until(key, async () => {
      const response = await fetch(`${sandboxUrl}/_sandbox/authorize`, {
        method: "POST",
        body: JSON.stringify({ id: paymentIntentId, outcome }),
        signal: this.#patience(),
      });
      await response.body?.cancel();
      // 409: an earlier attempt, whose answer was lost, did it.
      return response.status < 500 ? { status: response.status, body: {} } : `the sandbox says ${response.status}`;
    });
  }

  async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#around.limit });
  }

  #intend(key: string, intent: Omit<Extract<ClientEvent, { type: "intent" }>, "type" | "sentAs">): void {
    const sentAs = this.#sentAs(key);
    const sent = sentAs === key ? {} : { sentAs };
    this.#around.log.append(this.payment, key, { type: "intent", ...intent, ...sent });
  }

  /** Every request says whose it is. */
  #addressed(body: CallBody): CallBody {
    return { ...body, ...addressOf(this.#around.accountOf(this.payment)) };
  }

  /** The idempotency key that goes with a call. */
  #sentAs(key: string): string {
    const { marker, keyNameOf } = this.#around;
    return key.replace(`${marker}-${this.payment}-`, () => `${marker}-${keyNameOf(this.payment)}-`);
  }

  get #door(): Door {
    return this.#around.doorOf(this.payment);
  }

  async #post(
    path: string,
    key: string,
    body: CallBody,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer | string> {
    const { ingressUrl, edgeUrl } = this.#around;
    const response = await fetch(`${this.#door === "edge" ? edgeUrl : ingressUrl}${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": this.#sentAs(key),
        "x-chaos-canary": this.#around.callerHeader,
        ...headers,
      },
      body: JSON.stringify(body),
      signal: this.#patience(),
    });
    const text = await response.text();
    const parsed = parse(text);
    if (parsed === null) return `${response.status} without JSON`;
    // The engine's own troubles (5xx, and 470 while it starts) have no metadata of ours; those of the edge have a reason.
    const reason = parsed.metadata?.reason;
    const isTrouble = reason === undefined ? response.status >= 429 : edgeTroubles.includes(reason);
    return isTrouble ? `${response.status} ${text.slice(0, 200)}` : { status: response.status, body: parsed };
  }

  async #until(key: string, attempt: () => Promise<Answer | string>): Promise<Answer> {
    const { limit, log } = this.#around;
    for (;;) {
      limit.throwIfAborted();
      let why: string;
      try {
        const answer = await attempt();
        if (typeof answer !== "string") return answer;
        why = answer;
      } catch (error) {
        why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      }
      log.append(this.payment, key, { type: "unanswered", why });
      await delay(300, undefined, { signal: limit });
    }
  }

  /** Nobody waits for ever on one connection. */
  #patience(): AbortSignal {
    return AbortSignal.any([this.#around.limit, AbortSignal.timeout(15_000)]);
  }
}

/** After these the same is posted again. */
const edgeTroubles: readonly string[] = ["unavailable", "unknown", "rate_limited"];

function parse(text: string): AnswerBody | null {
  try {
    return JSON.parse(text) as AnswerBody;
  } catch {
    return null;
  }
}
