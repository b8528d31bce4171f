/** Forgeries through the engine's ingress, as an attacker would send them, while a payment waits that they are about. */
import { Agent, request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bankDebit, newOrder, oldWebhookSecret, openScene, type Scene, until, webhookSecret } from "../scene/scene.ts";
import { campaign, forge, type Forgery, genuineWebhooks, randomOf, Tally } from "./campaign.ts";
import { oneOf } from "./forgeries.ts";
import { isGenuine, type SignedWebhook } from "./signedWebhook.ts";

const inFlight = 16;

describe("forged webhooks at the ingress", () => {
  let scene: Scene;
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight });
  beforeAll(async () => {
    scene = await openScene(1000);
  });
  afterAll(async () => {
    agent.destroy();
    await scene.close();
  });

  const { seed, overHttp } = campaign;
  const secrets = [oldWebhookSecret, webhookSecret];

  it(
    `are all refused with a reason, and ${overHttp} of them change nothing (seed ${seed})`,
    { timeout: 60_000 + 100 * overHttp },
    async () => {
      const order = newOrder();
      // A long campaign outlasts the connection; the same key joins the call again.
      const call = scene.call("processPayment", bankDebit(order), order).catch(() => "connection lost");
      const payment = await scene.waitingPaymentOf(order);
      const before = await whatIsKnownOf(order);

      const random = randomOf(seed);
      const genuine = genuineWebhooks(payment, webhookSecret, random);
      const tally = new Tally();
      const forgeries = forge({ count: overHttp, random, genuine, secret: webhookSecret, secrets, tally });
      const contentTypes = () =>
        oneOf(random, [
          "application/json; charset=utf-8",
          "application/json; charset=utf-16",
          "text/plain",
          "application/x-www-form-urlencoded",
          "x/y; =",
          undefined,
        ]);
      const sendThem = async () => {
        for (const forgery of forgeries) tally.count(forgery.kind, await send(forgery, contentTypes(), wrong));
      };
      const wrong: string[] = [];
      const watch = watchForTrouble();
      await Promise.all(Array.from({ length: inFlight }, sendThem));
      const trouble = await watch.end();
      const left = await leftBehind();

      tally.print(`${overHttp} forgeries over HTTP, seed ${seed}`);
      console.info(
        `Invocations whose answer is kept for a minute: ${left.invocations}, with ${left.journaled} journal entries.`,
      );
      expect(wrong).toEqual([]);
      expect(tally.total("accepted")).toBe(0);
      expect(trouble).toEqual([]);
      expect(left.journaled).toBe(0);
      expect(await whatIsKnownOf(order)).toEqual(before);
      await scene.settle(payment.id);
      expect(await scene.call("processPayment", bankDebit(order), order)).toMatchObject({
        status: 200,
        body: { status: "succeeded", settledBy: "webhook" },
      });
      await call;
    },
  );

  it("is a genuine one, sent again: it is taken, the payment reads Stripe and goes on waiting", async () => {
    const order = newOrder();
    const call = scene.call("processPayment", bankDebit(order));
    const payment = await scene.waitingPaymentOf(order);
    const [told] = genuineWebhooks({ ...payment, status: "succeeded" }, webhookSecret, randomOf(seed)).filter(
      ({ body }) => String(body).includes('"type":"payment_intent.succeeded"'),
    );
    const { body, header } = told as SignedWebhook;
    const readsBefore = await readsOf(payment.id);
    for (let time = 0; time < 3; time++) {
      expect(await post({ body, header }, "application/json")).toMatchObject({
        status: 200,
        text: '{"received":true}',
      });
    }
    await until("the payment to have looked", async () => {
      const { metadata } = await scene.paymentOf(order);
      return metadata["restate_callback_id"] === payment.metadata["restate_callback_id"] ? undefined : true;
    });
    await scene.untilStatus(payment.metadata["restate_invocation_id"] ?? "", "suspended");
    // One read, and the answer to the update that hangs the next doorbell: the copies found the old one taken.
    expect(await readsOf(payment.id)).toBe(readsBefore + 2);
    expect(await scene.call("getPayment", { paymentIntentId: payment.id })).toMatchObject({
      body: { status: "processing" },
    });
    await scene.settle(payment.id);
    expect(await call).toMatchObject({ status: 200, body: { status: "succeeded" } });
  });

  /** Sends a forgery and tells what became of it; an answer that must not be goes to the `wrong` ones. */
  async function send(forgery: Forgery, contentType: string | undefined, wrong: string[]) {
    const header = forgery.header === undefined ? undefined : Buffer.from(forgery.header).toString("latin1");
    // HTTP cuts off blanks around a header's value.
    if (isGenuine({ body: forgery.body, header: header?.trim() }, secrets)) return "genuine after all";
    // Neither can any attacker's client: the line would end.
    // oxlint-disable-next-line no-control-regex
    if (header !== undefined && /[^\t\x20-\x7e\x80-\xff]/.test(header)) return "no header can hold it";
    const { status, text } = await post({ body: forgery.body, header }, contentType);
    const isTelling = secrets.some((secret) => text.includes(secret.replace("whsec_", "")));
    const isRefused = status === 400 && /"reason":"invalid_request"/.test(text) && /signature/.test(text);
    // What is too large or no text never becomes an invocation.
    const isKeptOut = status === 431 || (status === 400 && text.includes('"source":"ingress"'));
    if (isTelling || !(isRefused || isKeptOut)) {
      wrong.push(`${forgery.kind}: ${header?.slice(0, 200)} → ${status} ${text}`);
    }
    if (status >= 200 && status < 300) return "accepted";
    return isKeptOut ? "refused by the engine" : "refused";
  }

  async function post(
    { body, header }: { readonly body: Uint8Array; readonly header: string | undefined },
    contentType: string | undefined,
  ) {
    return await new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
      const sent = request(
        `${scene.ingress}/payments/processWebhook`,
        {
          method: "POST",
          agent,
          headers: {
            "content-length": body.length,
            ...(contentType === undefined ? {} : { "content-type": contentType }),
            ...(header === undefined ? {} : { "stripe-signature": header }),
          },
        },
        (response) => {
          let text = "";
          response.on("data", (chunk: Buffer) => (text += chunk.toString()));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
          response.on("error", reject);
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** Asks the engine all the while whether a webhook's invocation is retried, paused or waiting. */
  function watchForTrouble() {
    const seen = new Map<string, unknown>();
    const over = new AbortController();
    const look = async () => {
      const rows = await scene.sql<{ id: string }>(
        "select id, status, retry_count, last_failure from sys_invocation where target_handler_name = 'processWebhook' and (status in ('backing-off', 'paused', 'suspended') or retry_count > 1)",
      );
      for (const row of rows) seen.set(row.id, row);
    };
    const watching = (async () => {
      while (!over.signal.aborted) {
        await look();
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    })();
    return {
      async end(): Promise<readonly unknown[]> {
        over.abort();
        await watching;
        await until("all webhooks to be dealt with", async () => {
          await look();
          const [open] = await scene.sql<{ n: number }>(
            "select count(1) as n from sys_invocation where target_handler_name = 'processWebhook' and status <> 'completed'",
          );
          return open?.n === 0 || seen.size > 0 ? true : undefined;
        });
        return [...seen.values()];
      },
    };
  }

  async function leftBehind() {
    const webhooks = "target_handler_name = 'processWebhook'";
    const [invocations] = await scene.sql<{ n: number }>(`select count(1) as n from sys_invocation where ${webhooks}`);
    const journaled = await until("the journals to be dropped", async () => {
      const [entries] = await scene.sql<{ n: number }>(
        `select count(1) as n from sys_journal j join sys_invocation i on i.id = j.id where i.${webhooks}`,
      );
      return entries?.n === 0 ? 0 : undefined;
    });
    return { invocations: invocations?.n ?? 0, journaled };
  }

  async function readsOf(paymentIntentId: string): Promise<number> {
    const path = `/v1/payment_intents/${paymentIntentId}`;
    return (await scene.requests("GET", path)).length + (await scene.requests("POST", path)).length;
  }

  /** What a ring or a look would change: the payment at Stripe, who read it there, and what the call that waits has done. */
  async function whatIsKnownOf(order: string) {
    // From the list: a read of its own would be one of those that it counts.
    const payment = await scene.paymentOf(order);
    const reads = await readsOf(payment.id);
    const id = payment.metadata["restate_invocation_id"] ?? "";
    const journal = await scene.sql(
      `select index, entry_type, name from sys_journal where id = '${id}' order by index`,
    );
    const calls = await scene.sql(`select id, status from sys_invocation where id = '${id}'`);
    const looks = await scene.openInvocations("paymentNotifier");
    const { metadata, status } = payment;
    return { reads, metadata, status, journal, calls, looks };
  }
});
