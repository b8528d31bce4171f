/** The doctor as an operator meets it: a process of its own, against a real engine, sandbox and service in each kind of trouble. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { freePort } from "../../../src/dev/ports.ts";
import { notificationTimings } from "../../../src/notifications/options.ts";
import { webhookEventTypes } from "../../../src/webhooks/eventTable.ts";
import {
  bankDebit,
  card,
  newOrder,
  openScene,
  secretKey,
  until,
  webhookSecret,
  type Scene,
} from "../../scene/scene.ts";
import { spawnService } from "../../scene/serviceProcess.ts";
import { runDoctor, runPrinted, runProgram } from "./programs.ts";

let scene: Scene;
/** Of an operator whose settings are those of the service. */
let settings: Record<string, string>;
const configuredEndpoint = "we_configured_at_start";

beforeAll(async () => {
  scene = await openScene(1000);
  settings = {
    RESTATE_ADMIN_URL: scene.admin,
    RESTATE_INGRESS_URL: scene.ingress,
    STRIPE_SECRET_KEY: secretKey,
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    STRIPE_API_BASE: scene.sandboxUrl,
  };
  await scene.stripe.webhookEndpoints.update(configuredEndpoint, { enabled_events: eventTypes() });
});
afterAll(async () => {
  await scene.close();
});
beforeEach(async () => {
  await scene.clearFaults();
});

type EventType = Parameters<Scene["stripe"]["webhookEndpoints"]["create"]>[0]["enabled_events"][number];

function eventTypes() {
  return [...webhookEventTypes] as EventType[];
}

it("finds nothing wrong where nothing is", async () => {
  expect((await scene.call("processPayment", card(newOrder()))).status).toBe(200);
  await scene.quiet();
  const examined = await runDoctor(settings);
  expect(examined.findings.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
  expect(examined.exitCode).toBe(0);
  expect(examined.of("engine")).toEqual([expect.stringContaining("version 1.7")]);
  expect(examined.of("webhook deliveries")).toEqual([expect.stringContaining("payment_intent.succeeded evt_")]);
});

it("prints a line per check, shows no secret, and ends with 0 where nothing is wrong and with 1 where something is", async () => {
  const elsewhere = { ...settings, WEBHOOK_URL: "https://pay.example/payments/processWebhook" };
  const [well, ill] = await Promise.all([
    runProgram("src/bin/doctor.ts", settings),
    runProgram("src/bin/doctor.ts", elsewhere, ["--json"]),
  ]);
  expect(well).toMatchObject({ exitCode: 0, stderr: "" });
  expect(well.stdout).toContain("✓ Stripe takes the key");
  expect(well.stdout).toContain("Nothing is wrong.");
  expect(ill).toMatchObject({ exitCode: 1, stderr: "" });
  expect(JSON.parse(ill.stdout)).toMatchObject({ healthy: false });
  for (const secret of [secretKey, webhookSecret]) expect(well.stdout + ill.stdout).not.toContain(secret);
});

it("finds the sandbox of npm start by itself when no key is set", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "data-"));
  mkdirSync(join(dataDir, "sandbox"));
  writeFileSync(join(dataDir, "sandbox/webhook-secret"), `${webhookSecret}\n`);
  const { RESTATE_ADMIN_URL = "", RESTATE_INGRESS_URL = "" } = settings;
  const examined = await runDoctor({
    RESTATE_ADMIN_PORT: new URL(RESTATE_ADMIN_URL).port,
    // The ingress takes webhooks as the edge does.
    EDGE_PORT: new URL(RESTATE_INGRESS_URL).port,
    SANDBOX_PORT: new URL(scene.sandboxUrl).port,
    DATA_DIR: dataDir,
  });
  expect(examined.exitCode).toBe(0);
  expect(examined.of("Stripe key")).toEqual([
    `ok: Stripe is the sandbox at ${scene.sandboxUrl}: no account, no money.`,
  ]);
  expect(examined.of("webhook path")).toEqual([expect.stringMatching(/^ok: .*gets through/)]);
});

it("looks at Stripe even when no engine answers, and says how to start one", async () => {
  const examined = await runDoctor({ ...settings, RESTATE_ADMIN_URL: `http://127.0.0.1:${await freePort()}` });
  expect(examined.exitCode).toBe(1);
  expect(examined.of("engine")).toEqual([expect.stringMatching(/^wrong: .*ECONNREFUSED/)]);
  expect(examined.findings[0]?.remedies[0]).toContain("RESTATE_ADMIN_URL");
  expect(examined.of("Stripe key")).toEqual([expect.stringMatching(/^ok/)]);
  expect(examined.of("paused calls")).toEqual([]);
});

it("refuses settings that it can't use with exit code 2, and does not repeat them", async () => {
  const bad = await runProgram("src/bin/doctor.ts", {
    ...settings,
    RESTATE_ADMIN_URL: "http://me:hunter2@engine:9070",
  });
  expect(bad).toMatchObject({ exitCode: 2, stdout: "" });
  expect(bad.stderr).toContain("RESTATE_ADMIN_URL");
  expect(bad.stderr).not.toContain("hunter2");
});

it("refuses a wait that began before there were dates", async () => {
  const ended = await runProgram("src/bin/doctor.ts", settings, ["--waiting-longer-than", "20000000d"]);
  expect(ended).toMatchObject({ exitCode: 2, stdout: "" });
  expect(ended.stderr).toMatch(/^--waiting-longer-than takes 3650d at most\.\nUsage: /);
});

it("says that the engine does not get through to a service that is down, with what waits for it", async () => {
  const order = newOrder();
  const call = scene.call("processPayment", bankDebit(order), order);
  const { id } = await scene.waitingPaymentOf(order);
  await scene.stopService();
  const examined = await runDoctor(settings);
  await scene.startService();
  expect(examined.exitCode).toBe(1);
  expect(examined.of("deployments")).toEqual([
    expect.stringMatching(/^wrong: The engine does not get through .* 1 invocation waits for it/),
  ]);
  expect(examined.of("webhook path")).toEqual([]);
  await scene.settle(id);
  expect(await call).toMatchObject({ status: 200 });
});

it("says that Stripe rejects the key", async () => {
  await scene.fault({ target: "api", effect: "unauthorized", count: 0 });
  const examined = await runDoctor(settings);
  expect(examined.exitCode).toBe(1);
  expect(examined.of("Stripe key")).toEqual([expect.stringMatching(/^wrong: Stripe rejects the API key \(401\)/)]);
  expect(examined.of("webhook endpoint")).toEqual([]);
});

it("names each permission that a restricted key lacks, and whether a handler in use needs it", async () => {
  const restricted = { ...settings, STRIPE_SECRET_KEY: "rk_test_scene" };
  expect((await runDoctor(restricted)).of("permissions")).toEqual([expect.stringMatching(/^ok: .* all 14/)]);
  await scene.fault(
    { target: "api", effect: "forbidden", method: "GET", path: "/v1/charges*", count: 0 },
    { target: "api", effect: "forbidden", method: "POST", path: "/v1/disputes*", count: 0 },
    { target: "api", effect: "forbidden", path: "/v1/events*", count: 0 },
  );
  const examined = await runDoctor(restricted);
  expect(examined.exitCode).toBe(1);
  expect(examined.of("permissions")).toEqual([
    expect.stringMatching(/^wrong: The key may not read Charges: payments\/processPayment needs it/),
    expect.stringMatching(/^warning: The key may not write Disputes: .*not in use/),
    expect.stringMatching(/^warning: The key may not read Events: .*not in use/),
  ]);
  expect(examined.of("webhook deliveries")).toEqual([expect.stringMatching(/^warning: Stripe could not be asked/)]);
});

async function countObjects(): Promise<readonly number[]> {
  const { stripe } = scene;
  const lists = [stripe.paymentIntents, stripe.refunds, stripe.setupIntents, stripe.customers, stripe.events];
  return await Promise.all(lists.map(async (list) => (await list.list({ limit: 100 })).data.length));
}

it("leaves nothing behind at Stripe when it tries permissions", async () => {
  // What earlier tests charged is told of once more, a second later.
  await until("every charge to be told of for good", async () => {
    const told = (await scene.stripe.events.list({ types: ["charge.succeeded", "charge.updated"], limit: 100 })).data;
    return told.filter(({ type }) => type === "charge.updated").length * 2 === told.length ? true : undefined;
  });
  const before = await countObjects();
  await runDoctor({ ...settings, STRIPE_SECRET_KEY: "rk_test_scene" });
  expect(await countObjects()).toEqual(before);
});

it("lists missing event types and mends them with the command that it prints", async () => {
  const some = eventTypes().slice(0, 3);
  const lacking = webhookEventTypes.length - some.length;
  await scene.stripe.webhookEndpoints.update(configuredEndpoint, { enabled_events: [...some, "invoice.paid"] });
  const examined = await runDoctor(settings);
  expect(examined.exitCode).toBe(1);
  expect(examined.of("webhook endpoint")).toEqual([
    expect.stringMatching(new RegExp(`^wrong: .* lacks ${lacking} of the event types`)),
    expect.stringMatching(/^warning: .* 1 event type that nobody here needs/),
  ]);
  const mended = await runPrinted(examined.trouble("webhook endpoint").remedies[0] ?? "", settings);
  expect(mended).toMatchObject({ exitCode: 0 });
  expect((await runDoctor(settings)).of("webhook endpoint")).toEqual([
    expect.stringMatching(/^ok: Stripe sends exactly what is needed/),
  ]);
});

it("notices an endpoint of another API version, one that is disabled, and one that is not there", async () => {
  const { webhookEndpoints } = scene.stripe;
  const url = `${scene.ingress}/payments/processWebhook`;
  const old = await webhookEndpoints.create({ url, enabled_events: eventTypes(), api_version: "2025-03-31.basil" });
  await webhookEndpoints.update(configuredEndpoint, { disabled: true });
  expect((await runDoctor(settings)).of("webhook endpoint")).toEqual([
    expect.stringMatching(/^warning: .*we_configured_at_start .* is disabled/),
    expect.stringMatching(/^warning: .* has the API version 2025-03-31\.basil; .* 2026-10-28\.endive/),
  ]);
  await webhookEndpoints.del(old.id);
  const disabled = await runDoctor(settings);
  expect(disabled.of("webhook endpoint")).toEqual([expect.stringMatching(/^wrong: .* is disabled/)]);
  const enabled = await runPrinted(disabled.trouble("webhook endpoint").remedies[0] ?? "", settings);
  expect(enabled).toMatchObject({ exitCode: 0 });
  const elsewhere = await runDoctor({ ...settings, WEBHOOK_URL: "https://pay.example/payments/processWebhook" });
  expect(elsewhere.of("webhook endpoint")).toEqual([
    expect.stringMatching(/^wrong: No webhook endpoint .* has the address/),
  ]);
  expect((await runDoctor(settings)).exitCode).toBe(0);
});

it("shows a call that lost its permission in the middle with the permission's name, and it ends when it is resumed", async () => {
  await scene.stopService();
  const service = await spawnService({ port: scene.servicePort, apiBase: scene.sandboxUrl });
  const order = newOrder();
  const call = scene.call("processPayment", bankDebit(order), order);
  const { id } = await scene.waitingPaymentOf(order);
  await scene.fault({ target: "api", effect: "forbidden", method: "GET", path: `/v1/payment_intents/${id}`, count: 1 });
  await scene.settle(id);
  await until("the call to pause", async () => {
    const rows = await scene.sql(
      `select id from sys_invocation where status = 'paused' and idempotency_key = '${order}'`,
    );
    return rows.length === 1 ? true : undefined;
  });
  expect(service.output()).toMatch(
    /^ERROR payments\/processPayment inv_\w+: .*\(403\): Stripe names rak_payment_intent_read\..* paused .* nothing is lost\. .* npx restate inv resume inv_/m,
  );
  const examined = await runDoctor(settings);
  expect(examined.exitCode).toBe(1);
  expect(examined.of("paused calls")).toEqual([expect.stringMatching(/^wrong: 1 call is paused/)]);
  const [why = "", command = ""] = examined.trouble("paused calls").details;
  expect(why).toMatch(/^payments\/processPayment inv_\w+, for .*rak_payment_intent_read.*\(at "read PaymentIntent"\)$/);
  const resume = command.split("    ")[0] ?? "";
  const resumed = await runPrinted(`${resume.trim()} --yes`);
  expect(resumed).toMatchObject({ exitCode: 0 });
  expect(await call).toMatchObject({ status: 200, body: { paymentIntentId: id, status: "succeeded" } });
  await service.kill();
  await scene.startService();
  expect((await runDoctor(settings)).of("paused calls")).toEqual(["ok: No call is paused."]);
});

it("lists what waits for long, and the command it prints ends it", async () => {
  const order = newOrder();
  const call = scene.call("processPayment", bankDebit(order, "pm_usBankAccount_processing"), order);
  await scene.waitingPaymentOf(order);
  expect((await runDoctor(settings)).of("waiting calls")).toEqual([expect.stringMatching(/^ok/)]);
  const examined = await runDoctor(settings, 1);
  expect(examined.exitCode).toBe(0);
  expect(examined.of("waiting calls")).toEqual([expect.stringMatching(/^warning: 1 call has waited/)]);
  const [, command = ""] = examined.trouble("waiting calls").details;
  await runPrinted(`${command.trim()} --yes`);
  expect(await call).toMatchObject({ status: 409, body: { metadata: { reason: "canceled" } } });
});

it("says that the webhook secret is wrong; payments end by polling meanwhile, and by webhook when it is mended", async () => {
  await scene.restartService({ webhookSecrets: ["whsec_of_another_endpoint"], pollScheduleMs: [3000] });
  const order = newOrder();
  const call = scene.call("processPayment", bankDebit(order));
  const { id } = await scene.waitingPaymentOf(order);
  await scene.settle(id);
  expect(await call).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "poll" } });

  const examined = await runDoctor(settings);
  expect(examined.exitCode).toBe(1);
  expect(examined.of("webhook path")).toEqual([expect.stringMatching(/^wrong: .* it runs with another one/)]);
  expect(examined.of("webhook deliveries")).toEqual([
    expect.stringMatching(/^wrong: The service refuses Stripe's webhooks/),
  ]);
  const deliveries = examined.trouble("webhook deliveries");
  expect(deliveries.details[0]).toContain("matches none of the configured webhook secrets");
  expect(deliveries.remedies[0]).toContain("STRIPE_WEBHOOK_SECRET");

  // Mended in the service alone: Stripe's own retries, or the printed command, bring what was refused.
  await scene.restartService();
  const event = /events resend (evt_\w+)/.exec(deliveries.remedies.join("\n"))?.[1] ?? "";
  const resent = await scene.stripe.rawRequest("POST", `/v1/events/${event}/retry`, {
    webhook_endpoint: configuredEndpoint,
  });
  expect(resent).toMatchObject({ id: event });
  await scene.quiet();
  const healed = await runDoctor(settings);
  expect(healed.exitCode).toBe(0);
  expect(healed.of("webhook path")).toEqual([expect.stringMatching(/^ok/)]);
});

it("lists notifications that were given up with the command that delivers them after all", async () => {
  const receiver = {
    kind: "http",
    url: `http://127.0.0.1:${await freePort()}/`,
    secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
  } as const;
  await scene.restartService({ notifications: { ...notificationTimings, receiver, retryScheduleMs: [] } });
  const { body } = await scene.call("processPayment", card(newOrder()));
  await scene.quiet();
  const examined = await runDoctor(settings);
  await scene.restartService();
  expect(examined.of("notifications")).toEqual([expect.stringMatching(/^warning: 1 notification was given up/)]);
  const lines = examined.trouble("notifications").details;
  expect(lines[0]).toContain(`paymentNotifier/${body.paymentIntentId ?? ""}/deliver`);
  expect(lines[1]).toMatch(/npx restate inv restart-as-new inv_\w+$/);
  expect(examined.exitCode).toBe(0);
});
