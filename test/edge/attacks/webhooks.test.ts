/** Webhooks that Stripe did not sign for us, now: nothing rings, and the engine learns of none. `npm run forgery` sends 20,000. */
import { Agent, request } from "node:http";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cancelSignal, firstAwakeable, signalAddress } from "../../forgery/attackersAddress.ts";
import { campaign, forge, genuineWebhooks, randomOf, Tally } from "../../forgery/campaign.ts";
import { isGenuine, signWebhook } from "../../forgery/signedWebhook.ts";
import { bankDebit, eventAbout, newOrder, oldWebhookSecret, until, webhookSecret } from "../../scene/scene.ts";
import { openStand, type Stand } from "./stand.ts";

const inFlight = 16;
const secrets = [oldWebhookSecret, webhookSecret];
const nowSeconds = () => Math.floor(Date.now() / 1000);

const about = (payment: object, more: object = {}) =>
  JSON.stringify({ ...(JSON.parse(eventAbout("payment_intent.succeeded", payment)) as object), ...more });

const signed = (text: string, at: number | string, secret = webhookSecret) => {
  const { header } = signWebhook(Buffer.from(text), 0, secret);
  return typeof at === "number" ? signWebhook(Buffer.from(text), at, secret).header : header.replace("t=0", `t=${at}`);
};

describe("webhooks", () => {
  let stand: Stand;
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight });
  beforeAll(async () => {
    stand = await openStand();
  });
  afterAll(async () => {
    agent.destroy();
    await stand.close();
  });

  async function post(
    body: Uint8Array | string,
    signature: string | readonly string[] | undefined,
    path = "/payments/processWebhook",
  ) {
    return await new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
      const length = Buffer.byteLength(body);
      const headers = {
        "content-length": length,
        "content-type": "application/json; charset=utf-8",
        ...(signature === undefined ? {} : { "stripe-signature": signature as string | string[] }),
      };
      const sent = request(`${stand.edge.url}${path}`, { method: "POST", agent, headers }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** A payment that waits, and what a ring would change of it. */
  async function waiting() {
    const order = newOrder();
    const headers = { "idempotency-key": order, prefer: "respond-async" };
    const { callId } = (await stand.edge.call("/payments/processPayment", bankDebit(order), headers)).body as {
      callId: string;
    };
    const payment = await stand.scene.waitingPaymentOf(order);
    const id = payment.metadata["restate_invocation_id"] ?? "";
    const state = async () => ({
      journal: await stand.scene.sql(
        `select index, entry_type, name from sys_journal where id = '${id}' order by index`,
      ),
      calls: await stand.scene.sql(`select id, status, modified_at from sys_invocation where id = '${id}'`),
      doorbell: (await stand.scene.paymentOf(order)).metadata["restate_callback_id"],
    });
    const end = async () => {
      await stand.scene.settle(payment.id);
      return await stand.edge.get(`/calls/${callId}`, { prefer: "wait=60" });
    };
    return { order, callId, payment, state, end };
  }

  const { seed, atEdge } = campaign;

  it(
    `that are forged, ${atEdge} of them, are all refused, and leave nothing in the engine (seed ${seed})`,
    { timeout: 120_000 + 20 * atEdge },
    async () => {
      const { payment, state, end } = await waiting();
      const before = await state();
      stand.reached();
      const known = await stand.known();
      const bytes = await bytesUnder(join(stand.scene.folder, "engine"));
      const random = randomOf(seed);
      const genuine = genuineWebhooks(payment, webhookSecret, random, nowSeconds());
      const tally = new Tally();
      const wrong: string[] = [];
      const forgeries = forge({ count: atEdge, random, genuine, secret: webhookSecret, secrets, tally });
      const sendThem = async () => {
        for (const { kind, body, header } of forgeries) {
          const text = header === undefined ? undefined : Buffer.from(header).toString("latin1");
          if (isGenuine({ body, header: text?.trim() }, secrets)) {
            tally.count(kind, "genuine after all");
            continue;
          }
          // oxlint-disable-next-line no-control-regex
          if (text !== undefined && /[^\t\x20-\x7e\x80-\xff]/.test(text)) {
            tally.count(kind, "no header can hold it");
            continue;
          }
          const answer = await post(body, text);
          const isRefused = [400, 413, 431].includes(answer.status);
          tally.count(kind, isRefused ? "refused" : "accepted");
          if (!isRefused || secrets.some((secret) => answer.text.includes(secret.slice(8))))
            wrong.push(`${kind}: ${text?.slice(0, 200)} → ${answer.status} ${answer.text}`);
        }
      };
      await Promise.all(Array.from({ length: inFlight }, sendThem));
      tally.print(`${atEdge} forgeries at the edge, seed ${seed}`);
      expect(wrong).toEqual([]);
      expect(tally.total("refused")).toBeGreaterThan(atEdge / 2);
      expect(stand.reached()).toBe(0);
      expect(await stand.known()).toEqual(known);
      expect(await state()).toEqual(before);
      // Beside what a running engine writes by itself.
      expect((await bytesUnder(join(stand.scene.folder, "engine"))) - bytes).toBeLessThan(1024 * 1024);
      expect(await end()).toMatchObject({ status: 200, body: { settledBy: expect.any(String) } });
    },
  );

  it("with a time that is old, to come, endless or twice are refused; a replay within five minutes rings once more, and no more", async () => {
    const { payment, state, end } = await waiting();
    const before = await state();
    stand.reached();
    const text = about(payment);
    const now = nowSeconds();
    const genuine = signWebhook(Buffer.from(text), now, webhookSecret);
    const old = signWebhook(Buffer.from(text), now - 301, webhookSecret);
    const refused: readonly (string | readonly string[] | undefined)[] = [
      signed(text, now - 301),
      signed(text, now - 86_400),
      signed(text, now + 301),
      signed(text, 0),
      signed(text, 99_999_999_999_999),
      ...["Infinity", "1e999", "-1", "NaN", "", "0x66", "9".repeat(400), `${now}.5`, `-${now}`, ` ${now} 1`].map((at) =>
        signed(text, at),
      ),
      // The time that is compared and the time that is signed must be one.
      `t=${now},t=${now - 301},v1=${old.signature}`,
      `t=${now - 301},t=${now},v1=${old.signature}`,
      `t=${now - 301},v1=${old.signature},t=${now}`,
      `t=${now}, t=${now - 301},v1=${old.signature}`,
      `t=${now},\tt=${now - 301},v1=${old.signature}`,
      `t=${now - 301}=${now},v1=${old.signature}`,
      `t=${now},v1=${old.signature}`,
      `T=${now},t=${now - 301},v1=${old.signature}`,
      `t=${now},v0=${genuine.signature}`,
      `t=${now},v1=${genuine.signature.toUpperCase()}`,
      `t=${now},v1=${genuine.signature.slice(0, 32)}`,
      [genuine.header, genuine.header],
      [genuine.header, old.header],
      undefined,
      "",
    ];
    for (const signature of refused) {
      for (const path of ["/payments/processWebhook", "/webhooks/default"]) {
        expect({ signature, ...(await post(text, signature, path)) }).toMatchObject({
          status: 400,
          text: expect.stringContaining("signature"),
        });
      }
    }
    expect(stand.reached()).toBe(0);
    expect(await state()).toEqual(before);
    for (let time = 0; time < 3; time++) expect(await post(text, genuine.header)).toMatchObject({ status: 200 });
    expect(stand.reached()).toBe(3);
    await until("the payment to have looked", async () =>
      (await state()).doorbell === before.doorbell ? undefined : true,
    );
    expect(await post(text, signed(text, now, oldWebhookSecret))).toMatchObject({ status: 200 });
    expect((await stand.scene.paymentOf(payment.metadata["orderId"] ?? "")).status).toBe("processing");
    expect(await end()).toMatchObject({ status: 200, body: { paymentIntentId: payment.id, status: "succeeded" } });
  });

  it("of the other mode are answered 200, and ring nobody", async () => {
    const { payment, state, end } = await waiting();
    const before = await state();
    stand.reached();
    const text = about(payment, { livemode: true });
    expect(await post(text, signed(text, nowSeconds()))).toEqual({ status: 200, text: '{"received":true}' });
    expect(stand.reached()).toBe(0);
    expect(await state()).toEqual(before);
    expect(await end()).toMatchObject({ status: 200 });
  });

  it("that are signed, and no events, are refused", async () => {
    stand.reached();
    const bodies = [
      "",
      "null",
      "[]",
      "1",
      '"event"',
      "{",
      "{}",
      '{"type":1}',
      "not JSON",
      "\ufeff{}",
      "[".repeat(100_000),
      `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
      '{"type":"payment_intent.succeeded"',
    ];
    for (const text of bodies) {
      expect({ sent: text.slice(0, 20), ...(await post(text, signed(text, nowSeconds()))) }).toMatchObject({
        status: 400,
      });
    }
    const binary = Buffer.from([0xff, 0xfe, 0x7b, 0, 0x7d, 0]);
    expect((await post(binary, signWebhook(binary, nowSeconds(), webhookSecret).header)).status).toBe(400);
    expect(stand.reached()).toBe(0);
  });

  it("with addresses that are damaged, foreign or low in their metadata ring none of those: index 1 would cancel", async () => {
    const { payment, state, end } = await waiting();
    const before = await state();
    const tappedBefore = stand.ingressTap.tapped.length;
    const mine = before.doorbell ?? "";
    const bytes = Buffer.from(mine.slice("sign_1".length), "base64url");
    const withIndex = (index: number) => {
      const copy = Buffer.from(bytes);
      copy.writeUInt32BE(index, copy.length - 4);
      return `sign_1${copy.toString("base64url")}`;
    };
    const { idempotency_key: key } = (
      await stand.scene.sql<{ idempotency_key: string }>(
        `select idempotency_key from sys_invocation where id = '${payment.metadata["restate_invocation_id"]}'`,
      )
    )[0] ?? { idempotency_key: "" };
    const cancelling = await signalAddress({ service: "payments", handler: "processPayment" }, key, cancelSignal);
    // The attacker's arithmetic is right: these are the addresses of this very call.
    expect(await signalAddress({ service: "payments", handler: "processPayment" }, key, firstAwakeable)).toBe(mine);
    expect(withIndex(cancelSignal)).toBe(cancelling);
    const damaged = [
      ...Array.from({ length: firstAwakeable }, (_, index) => withIndex(index)),
      `${mine}A`,
      mine.slice(0, -1),
      mine.toUpperCase(),
      `${mine}=`,
      ` ${mine}`,
      `${mine}\n`,
      `${mine}/../${cancelling}`,
      `${mine}/resolve`,
      `${mine}?x=`,
      mine.replace("sign_1", "prom_1"),
      mine.replace("sign_1", "sign_2"),
      payment.metadata["restate_invocation_id"] ?? "",
      "../../payments/processPayment/send?",
      "",
      "x".repeat(500),
    ];
    for (const address of damaged) {
      for (const field of ["restate_callback_id", "restate_callback_id_12345678", "restate_callback_id_../x"]) {
        const text = about({ ...payment, metadata: { [field]: address } });
        expect({ address, ...(await post(text, signed(text, nowSeconds()))) }).toMatchObject({ status: 200 });
      }
    }
    // Nor under a name that is none of ours, nor from anywhere but the metadata.
    for (const object of [
      { metadata: { callback: mine, RESTATE_CALLBACK_ID: mine, orderId: mine } },
      { metadata: { restate_callback_id: [mine] } },
      { metadata: null, restate_callback_id: mine },
    ]) {
      const text = about({ ...payment, ...object });
      expect((await post(text, signed(text, nowSeconds()))).status).toBe(200);
    }
    const hung = about(payment, { type: "payment_intent.created" });
    expect((await post(hung, signed(hung, nowSeconds()))).status).toBe(200);
    expect(stand.ingressTap.tapped.slice(tappedBefore).filter(({ path }) => path.includes("awakeables"))).toEqual([]);
    expect(await state()).toEqual(before);
    expect(await end()).toMatchObject({ status: 200, body: { status: "succeeded" } });
  });

  it("that are larger than a megabyte are refused before their signature is looked at", async () => {
    stand.reached();
    const text = about({ id: "pi_1", description: "x".repeat(1024 * 1024) });
    const answer = await post(text, signed(text, nowSeconds())).catch(() => ({ status: 413, text: "too_large" }));
    expect(answer).toMatchObject({ status: 413, text: expect.stringContaining("too_large") });
    expect(stand.reached()).toBe(0);
  });
});

async function bytesUnder(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  let bytes = 0;
  for (const entry of entries.filter((one) => one.isFile())) {
    // The engine drops files while we look.
    bytes += await stat(join(entry.parentPath, entry.name)).then(
      ({ size }) => size,
      () => 0,
    );
  }
  return bytes;
}
