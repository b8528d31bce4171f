/** A merchant's client as the README wants it: no answer, or a 5xx without metadata, and it posts the same again. */
import { setTimeout as delay } from "node:timers/promises";
import type { Answer, AnswerBody, CallBody, ClientLog } from "./clientLog.ts";
import type { Outages } from "./outages.ts";

export type Surroundings = {
  readonly ingressUrl: string;
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

  newKey(): string {
    return `${this.#around.marker}-${this.payment}-${++this.#calls}`;
  }

  /** Calls a handler until it answers. @throws the limit's reason */
  async call(handler: string, body: CallBody, key = this.newKey()): Promise<Answer> {
    const { log, ingressUrl } = this.#around;
    log.append(this.payment, key, { type: "intent", handler, body });
    const answer = await this.#until(key, () => this.#post(`${ingressUrl}/payments/${handler}`, key, body));
    log.append(this.payment, key, { type: "answer", answer });
    return answer;
  }

  /** Asks once more for a reference, when everything is quiet. */
  async askLast(body: CallBody): Promise<void> {
    const { log, ingressUrl } = this.#around;
    const key = `${this.newKey()}-last`;
    log.append(this.payment, key, { type: "intent", handler: "processPayment", body, isLastAsk: true });
    const answer = await this.#until(key, () => this.#post(`${ingressUrl}/payments/processPayment`, key, body));
    log.append(this.payment, key, { type: "answer", answer });
  }

  /** Resolves when Stripe is down: by the outage that was drawn for this payment. */
  async outage(number: number): Promise<void> {
    await this.#around.outages.begin(number);
  }

  /** Hands a call over without waiting for its answer; gives the engine's id of it. */
  async send(handler: string, body: CallBody, key: string): Promise<string> {
    const { log, ingressUrl } = this.#around;
    log.append(this.payment, key, { type: "intent", handler, body });
    const sent = await this.#until(key, () => this.#post(`${ingressUrl}/payments/${handler}/send`, key, body));
    return String((sent.body as { readonly invocationId?: string }).invocationId);
  }

  /** Waits for the answer of what was sent, by posting it again. */
  async answerOf(handler: string, body: CallBody, key: string): Promise<Answer> {
    const { log, ingressUrl } = this.#around;
    const answer = await this.#until(key, () => this.#post(`${ingressUrl}/payments/${handler}`, key, body));
    log.append(this.payment, key, { type: "answer", answer });
    return answer;
  }

  /** Cancels a call as an operator would. */
  async cancelInvocation(invocationId: string, key: string): Promise<void> {
    const { log, adminUrl } = this.#around;
    log.append(this.payment, key, { type: "cancel", invocationId });
    await this.#until(key, async () => {
      const response = await fetch(`${adminUrl}/invocations/${invocationId}/cancel`, {
        method: "PATCH",
        signal: this.#patience(),
      });
      await response.body?.cancel();
      // 404 and 409: it has ended already.
      return response.status < 500 ? { status: response.status, body: {} } : `the admin API says ${response.status}`;
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

  async #post(url: string, key: string, body: CallBody): Promise<Answer | string> {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": key,
        "x-chaos-canary": this.#around.callerHeader,
      },
      body: JSON.stringify(body),
      signal: this.#patience(),
    });
    const text = await response.text();
    const parsed = parse(text);
    if (parsed === null) return `${response.status} without JSON`;
    // The engine's own troubles (5xx, and 470 while it starts) have no metadata of ours.
    const isEngines = response.status >= 429 && parsed.metadata?.reason === undefined;
    return isEngines ? `${response.status} ${text.slice(0, 200)}` : { status: response.status, body: parsed };
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

function parse(text: string): AnswerBody | null {
  try {
    return JSON.parse(text) as AnswerBody;
  } catch {
    return null;
  }
}
