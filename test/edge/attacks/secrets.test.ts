/** Secrets that are made for one run, and looked for in all that it leaves: finding one means that it leaked there. */
import { spawn, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { freePorts } from "../../../src/dev/ports.ts";
import { contentsOf, filesUnder, search, type Wanted } from "../../chaos/secretSearch.ts";
import { bankDebit, card, newOrder, openScene, sign, until } from "../../scene/scene.ts";
import { spawnService } from "../../scene/serviceProcess.ts";
import { testKey, writeKeyFile } from "../keys.ts";
import { askRaw } from "./rawHttp.ts";

const canary = (prefix: string) => `${prefix}canary${crypto.randomUUID().replaceAll("-", "")}`;

it("no secret is in a log, in the engine, in ps, or in a file that others can read", { timeout: 180_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "edge-secrets-"));
  const scene = await openScene(1000);
  const shop = testKey({
    name: "shop",
    scopes: ["payments:write", "payments:read", "refunds:write", "customers:write"],
  });
  const wrongKey = testKey();
  const edgeSecret = canary("an-edge-secret-");
  const oldEdgeSecret = canary("an-old-edge-secret-");
  const webhookSecret = canary("whsec_");
  const cookie = canary("session-");
  const keysFile = join(folder, "keys.json");
  writeKeyFile(keysFile, [shop.stored]);
  const [edgePort = 0] = await freePorts(1);

  await scene.stopService();
  const service = await spawnService({
    port: scene.servicePort,
    apiBase: scene.sandboxUrl,
    settings: { STRIPE_WEBHOOK_SECRET: webhookSecret, EDGE_SECRET: `${edgeSecret},${oldEdgeSecret}` },
  });
  const edge = spawn(process.execPath, ["src/bin/edge.ts"], {
    env: {
      ...process.env,
      EDGE_PORT: String(edgePort),
      EDGE_HOST: "127.0.0.1",
      RESTATE_INGRESS_URL: scene.ingress,
      RESTATE_ADMIN_URL: scene.admin,
      STRIPE_API_BASE: scene.sandboxUrl,
      STRIPE_MODE: "test",
      STRIPE_WEBHOOK_SECRET: webhookSecret,
      EDGE_SECRET: `${edgeSecret},${oldEdgeSecret}`,
      API_KEYS_FILE: keysFile,
      EDGE_RATE_LIMITS: "key=500,refused=5",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  edge.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  edge.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  try {
    const url = `http://127.0.0.1:${edgePort}`;
    await until("the edge to be ready", async () =>
      (await fetch(`${url}/readyz`).then(
        ({ status }) => status,
        () => 0,
      )) === 200
        ? true
        : undefined,
    );
    const marker = newOrder();
    const call = async (path: string, body: unknown, headers: Record<string, string> = {}) =>
      await fetch(`${url}${path}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "idempotency-key": crypto.randomUUID(),
          authorization: `Bearer ${shop.text}`,
          cookie,
          ...headers,
        },
        body: typeof body === "string" ? body : JSON.stringify(body),
      });
    const answers: string[] = [];
    const keep = async (response: Response) => {
      const text = await response.text();
      answers.push(text);
      return JSON.parse(text) as Record<string, unknown>;
    };

    await keep(await call("/payments/processPayment", card(marker)));
    await keep(await call("/payments/processPayment", card(newOrder(), "pm_card_chargeDeclined")));
    const pending = await keep(
      await call("/payments/processPayment", bankDebit(newOrder()), { prefer: "respond-async" }),
    );
    await keep(
      await fetch(`${url}/calls/${String(pending["callId"])}`, {
        headers: { authorization: `Bearer ${shop.text}`, cookie },
      }),
    );
    // Refused in every way, with secrets in all the wrong places.
    for (const authorization of [
      `Bearer ${wrongKey.text}`,
      `Basic ${shop.text}`,
      shop.text,
      `Bearer ${shop.text} ${shop.text}`,
    ]) {
      for (let time = 0; time < 4; time++)
        await keep(await call("/payments/processPayment", card(newOrder()), { authorization }));
    }
    await keep(await call("/payments/processPayment", { ...card(newOrder()), [shop.text.slice(0, 20)]: 1 }));
    await keep(await call("/payments/refundPayment", { paymentIntentId: "pi_1", amount: 1 }));
    await keep(await call("/payments/acceptDispute", { disputeId: "dp_1" }));
    await keep(await call(`/calls/${String(pending["callId"])}x/cancel`, {}));
    await keep(await call("/payments/none", {}));
    await askRaw(
      edgePort,
      `POST /payments/processPayment?key=${shop.text} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${shop.text}\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n{}`,
    );
    const { client_secret: clientSecret } = await scene.stripe.paymentIntents.create({
      amount: 500,
      currency: "usd",
      metadata: { orderId: "seen" },
    });
    const event = JSON.stringify({
      id: "evt_1",
      object: "event",
      type: "payment_intent.succeeded",
      livemode: false,
      data: { object: { id: "pi_1", client_secret: clientSecret, metadata: {} } },
    });
    await keep(await call("/payments/processWebhook", event, sign(event)));
    await keep(await call("/payments/processWebhook", event, sign(event, { secret: webhookSecret })));
    await keep(await call("/webhooks/default", event, sign(event, { secret: webhookSecret, timestamp: 1 })));

    // Straight to the engine, so that the service says what it thinks of a forged header.
    const forged = await fetch(`${scene.ingress}/payments/processPayment`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": newOrder(),
        "x-payments-edge": "v1 k=x t=- f=x s=x",
      },
      body: JSON.stringify(card(newOrder())),
    });
    expect(forged.status).toBe(200);

    const secrets: Wanted = {
      "API key": shop.text,
      "wrong API key": wrongKey.text,
      "edge's secret": edgeSecret,
      "edge's old secret": oldEdgeSecret,
      "signing secret": webhookSecret,
      cookie,
      "client secret": clientSecret ?? "none",
    };
    const journal = Buffer.from(JSON.stringify(await scene.sql("select * from sys_journal")));
    const rest = Buffer.from(
      JSON.stringify([await scene.sql("select * from sys_invocation"), await scene.sql("select * from state")]),
    );
    const running = execFileSync("ps", ["-eo", "args"], { maxBuffer: 64 * 1024 * 1024 });

    // What is said at an end, and while the engine is away, counts, too.
    await scene.killEngine();
    await keep(await call("/payments/processPayment", card(newOrder())));
    edge.kill("SIGTERM");
    await once(edge, "exit");
    await service.kill();

    const files = await filesUnder(scene.folder);
    const places = [
      await search("journal", [journal], { secrets, marker, isHex: true }),
      await search("calls and state", [rest], { secrets, marker: null, isHex: true }),
      await search("ps", [running], { secrets, marker: "src/bin/edge.ts" }),
      await search("edge's log", [Buffer.from(said)], { secrets, marker: "The edge listens on" }),
      await search("service's log", [Buffer.from(service.output())], { secrets, marker: "EDGE_SECRET" }),
      await search("answers", [Buffer.from(answers.join("\n"))], { secrets, marker: "unauthorized" }),
      // They may be compressed: the engine's own answers above tell more.
      await search("engine's files", contentsOf(files), { secrets, marker: null }),
      await search("the file of keys", [await readFile(keysFile)], { secrets, marker: shop.stored.hash }),
    ];
    for (const { place, found, markers } of places) {
      expect({ place, found }).toEqual({ place, found: [] });
      // A search that would not have found anything proves nothing.
      expect({ place, isBlind: markers === 0 }).toEqual({ place, isBlind: false });
    }
    expect((await stat(keysFile)).mode & 0o077).toBe(0);
  } finally {
    edge.kill("SIGKILL");
    await service.kill();
    await scene.startService();
    await scene.close();
    await rm(folder, { recursive: true, force: true });
  }
});
