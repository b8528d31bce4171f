/** What a scenario works with: calls as `curl` makes them, and what the world does meanwhile. */
import type { Stripe } from "stripe";
import { expect } from "vitest";
import { fingerprintField } from "../../src/api/edgeHeader.ts";
import { edgeHeaders } from "../scene/edge.ts";
import { eventAbout, sign, type Answer } from "../scene/scene.ts";
import { orNoAnswer, until } from "./patience.ts";
import type { EdgeSays } from "./scenario.ts";
import type { Theatre } from "./theatre.ts";
import type { Trial } from "./trials.ts";

export type Stage = ReturnType<typeof openStage>;

/** @param edge whether calls bring the edge's header, and what that says */
export function openStage(theatre: Theatre, trial: Trial, edge: EdgeSays | null) {
  const { stripe, merchant } = theatre;
  const order = trial.token;
  let calls = 0;

  async function control(what: string, order_: object): Promise<void> {
    const response = await fetch(`${theatre.sandboxUrl}/_sandbox/${what}`, {
      method: "POST",
      body: JSON.stringify(order_),
    });
    expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
  }

  async function post(payload: string): Promise<void> {
    await until("a webhook to be taken", () =>
      orNoAnswer(async () => {
        const response = await fetch(`${theatre.ingress}/payments/processWebhook`, {
          method: "POST",
          body: payload,
          headers: { "content-type": "application/json; charset=utf-8", ...sign(payload) },
        });
        await response.arrayBuffer();
        return response.ok ? true : undefined;
      }),
    );
  }

  /** Where the connection is lost, it is dialled again with the same key, as a careful caller does. */
  async function dial(handler: string, body: object, key: string): Promise<Answer> {
    const acceptedAtMs = edge === "time" ? Date.now() : null;
    const fromEdge = edge === null ? {} : edgeHeaders(handler, body, { engineKey: key, acceptedAtMs });
    return await until(`an answer of ${handler}`, () =>
      orNoAnswer(async () => {
        const response = await fetch(`${theatre.ingress}/${handler.includes("/") ? handler : `payments/${handler}`}`, {
          method: "POST",
          headers: { "content-type": "application/json", "idempotency-key": key, "x-test-trial": order, ...fromEdge },
          body: JSON.stringify(body),
        });
        return withoutFingerprint({ status: response.status, body: (await response.json()) as Answer["body"] });
      }),
    );
  }

  const stage = {
    /** Whether the service dies in this play. */
    mayDie: trial.armed !== null,
    /** Names everything that is made here: an order id, a reference. */
    order,
    stripe,
    direct: theatre.direct,
    stripeUrl: theatre.sandboxUrl,

    /** Calls a handler of `payments` as `curl` would, or one that is named with its service. */
    call(handler: string, body: object, key = `${order}-${calls++}`): Promise<Answer> {
      const answer = dial(handler, body, key);
      // Where the scenario fails for another reason, nobody waits for the answer any more.
      answer.catch(() => {});
      return answer;
    },
    /** Calls the private service of the edge, as an edge does. */
    async callAsEdge(handler: string, body?: object): Promise<Answer> {
      return await until(`an answer of edge/${handler}`, () =>
        orNoAnswer(async () => {
          const response = await fetch(`${theatre.ingress}/edge/${handler}`, {
            method: "POST",
            headers: {
              ...(body !== undefined && { "content-type": "application/json" }),
              "idempotency-key": `${order}-${handler}`,
              "x-test-trial": order,
            },
            ...(body !== undefined && { body: JSON.stringify(body) }),
          });
          const text = await response.text();
          return { status: response.status, body: (text === "" ? {} : JSON.parse(text)) as Answer["body"] };
        }),
      );
    },
    /** Calls a handler of a private object that comes by itself, a day later. */
    async callInTime(service: string, objectKey: string, handler: string): Promise<void> {
      await theatre.admin("PATCH", `/services/${service}`, { public: true });
      await until(`${service}/${handler} to be over`, () =>
        orNoAnswer(async () => {
          const response = await fetch(`${theatre.ingress}/${service}/${encodeURIComponent(objectKey)}/${handler}`, {
            method: "POST",
            headers: { "idempotency-key": `${order}-${handler}`, "x-test-trial": order },
          });
          return response.ok ? true : undefined;
        }),
      );
    },
    /** Has the undelivered events of a connected account passed on that belongs to this trial alone. */
    async reconcile(account: string): Promise<object> {
      const response = await fetch(`${theatre.ingress}/webhookReconciler/${account}/reconcile`, {
        method: "POST",
        headers: { "idempotency-key": `${order}-reconcile`, "x-test-trial": order },
      });
      return { status: response.status, body: (await response.json()) as object };
    },
    /** The invocation of a call that was made with a key, as soon as the engine has it. */
    async invocationOf(key: string): Promise<string> {
      return await until(`the invocation of ${key}`, async () => {
        const rows = await theatre.sql<{ id: string }>(
          `select id from sys_invocation where idempotency_key = '${key}'`,
        );
        return rows[0]?.id;
      });
    },
    /** Cancels an invocation, as an operator does. */
    async cancel(invocationId: string): Promise<void> {
      await theatre.admin("PATCH", `/invocations/${invocationId}/cancel`);
    },

    settle: (id: string, outcome: "succeeded" | "failed" = "succeeded") => control("settle", { id, outcome }),
    authorize: (id: string, outcome: "succeeded" | "failed") => control("authorize", { id, outcome }),
    onboard: (account: string, outcome: "done" | "more_due" | "rejected" = "done") =>
      control("onboard", { account, outcome }),
    /** The owner of a connected account disconnects it. */
    leave: (account: string) => control("deauthorize", { account }),

    /**
     * Delivers the latest event of a type about an object, as Stripe does: again, until it is taken.
     * @param stripeAccount the connected account on which it happened
     */
    async deliver(type: string, id: string, stripeAccount?: string): Promise<void> {
      const event = await until(`${type} of ${id}`, async () => {
        const there = stripeAccount === undefined ? {} : { stripeAccount };
        const { data } = await stripe.events.list({ type, limit: 100 }, there);
        return data.find(({ data: { object } }) => (object as { readonly id?: string }).id === id);
      });
      await post(JSON.stringify(event));
    },
    /** Rings with an event that says what isn't so, as a late or a lying webhook does. */
    async ring(type: string, object: unknown): Promise<void> {
      await post(eventAbout(type, object));
    },

    /** Every PaymentIntent of this trial. */
    async payments(): Promise<readonly Stripe.PaymentIntent[]> {
      const query = `metadata["orderId"]:"${order}"`;
      return (await stripe.paymentIntents.search({ query, limit: 100, expand: ["data.latest_charge"] })).data;
    },
    /** The one PaymentIntent, as soon as it exists. */
    payment: () => until("the PaymentIntent", async () => (await stage.payments())[0]),
    /** What became of the money: every PaymentIntent of this trial, with all that was charged and given back. */
    async ledger(): Promise<readonly object[]> {
      const payments = await stage.payments();
      return await Promise.all(
        payments.map(async ({ id, status, amount_received: received }) => {
          const charges = (await stripe.charges.list({ payment_intent: id })).data;
          const refunds = await stage.refunds(id);
          const givenBack = refunds.filter((refund) => refund.status === "succeeded");
          return {
            status,
            received,
            charged: charges.filter((charge) => charge.status === "succeeded").length,
            refunds: refunds.length,
            refunded: givenBack.reduce((sum, { amount }) => sum + amount, 0),
          };
        }),
      );
    },
    /** The next refund of a payment that is pending. */
    pendingRefund: async (payment: string) =>
      await until("a pending refund", async () =>
        (await stage.refunds(payment)).find(({ status }) => status === "pending"),
      ),
    /** Waits until that many waiters have hung their doorbells beside the creator's own. */
    async hung(waiters: number, read: () => Promise<{ readonly metadata: Stripe.Metadata | null }>): Promise<void> {
      await until(`${waiters} doorbells`, async () => {
        const { metadata } = await read();
        const keys = Object.keys(metadata ?? {}).filter((key) => key.startsWith("restate_callback_id_"));
        return keys.length === waiters ? true : undefined;
      });
    },
    /** Waits until the merchant was told something of a payment. */
    async untilTold(paymentIntentId: string, type: string): Promise<void> {
      await until(`${type} to be told`, async () => (stage.told(paymentIntentId).includes(type) ? true : undefined));
    },
    until,
    /** Somebody tries to pay on the page of a Checkout Session. */
    async tryToPay(sessionId: string, payment_method: string): Promise<void> {
      const response = await fetch(`${theatre.sandboxUrl}/v1/payment_pages/${sessionId}/confirm`, {
        method: "POST",
        headers: { authorization: "Bearer sk_test_of_the_page" },
        body: new URLSearchParams({ payment_method }),
      });
      await response.arrayBuffer();
    },
    /** The merchant's system refuses the next so many notifications. */
    refuseNotifications(times: number): void {
      trial.refusals = times;
    },
    /** How many entries the engine keeps for objects with these keys. */
    async entriesOf(...keys: readonly string[]): Promise<number> {
      const list = keys.map((key) => `'${key}'`).join(", ");
      const rows = await theatre.sql<{ n: number }>(`select count(1) as n from state where service_key in (${list})`);
      return rows[0]?.n ?? 0;
    },
    /** The key of the object of a service that keeps a text. */
    async keyWith(service: string, text: string): Promise<string | undefined> {
      const rows = await theatre.sql<{ service_key: string }>(
        `select service_key from state where service_name = '${service}' and value_utf8 like '%${text}%'`,
      );
      return rows[0]?.service_key;
    },
    /** One entry in the state of an object, as text. */
    async entryOf(service: string, objectKey: string, name: string): Promise<string> {
      const rows = await theatre.sql<{ value?: string }>(
        `select value_utf8 as value from state where service_name = '${service}' and service_key = '${objectKey}' and key = '${name}'`,
      );
      return rows[0]?.value ?? "";
    },
    refunds: async (payment_intent: string) => (await stripe.refunds.list({ payment_intent })).data,

    /** Before the next such request of the service reaches Stripe, something else happens. */
    beforeRequest(method: string, path: RegExp, act: () => Promise<void>): void {
      trial.interferences.push({ method, path, act });
    },
    /** The next such request of the service meets a fault, and its call is cancelled meanwhile. */
    cancelAndFail(method: string, path: RegExp, key: string, fault: string): void {
      const act = async () => await stage.cancel(await stage.invocationOf(key));
      trial.interferences.push({ method, path, act, faults: [fault] });
    },
    /** The next such request of the service meets a fault of the sandbox's. */
    faultOn(method: string, path: RegExp, ...faults: readonly string[]): void {
      trial.interferences.push({ method, path, faults });
    },

    /** Waits until everything is over that was begun here. */
    async quiet(): Promise<void> {
      await until("everything to be over", async () => ((await theatre.isOver(trial)) ? true : undefined));
    },
    /** What the merchant was told of a payment, each notification once and in order. */
    told(paymentIntentId: string): readonly string[] {
      const received = merchant.of(paymentIntentId);
      const bodies = new Map<string, string>();
      for (const { notification, isVerified } of received) {
        expect(isVerified).toBe(true);
        const body = JSON.stringify(notification);
        expect(bodies.get(notification.id) ?? body).toBe(body);
        bodies.set(notification.id, body);
      }
      return [...bodies.values()].map((body) => (JSON.parse(body) as { readonly type: string }).type);
    },
  };
  return stage;
}

/** The answer as the edge gives it to its caller. */
function withoutFingerprint({ status, body }: Answer): Answer {
  const { [fingerprintField]: _, ...rest } = body;
  if (rest.metadata === undefined) return { status, body: rest };
  const { [fingerprintField]: _ofFailure, ...metadata } = rest.metadata;
  return { status, body: { ...rest, metadata } };
}
