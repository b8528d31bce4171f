/** The doctor and the merchants of MERCHANTS_FILE: what is wrong with one is said of that one, and of no other. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Stripe } from "stripe";
import { afterAll, beforeAll, expect, it } from "vitest";
import { webhookEventTypes } from "../../../src/webhooks/eventTable.ts";
import { openMerchants } from "../../../src/merchants/file/openMerchants.ts";
import { pinnedApiVersion } from "../../../src/stripe/inspection.ts";
import { openEdge, type SceneEdge } from "../../scene/edge.ts";
import { openScene, secretKey, webhookSecret, type Scene } from "../../scene/scene.ts";
import { runProgram } from "./programs.ts";

let scene: Scene;
let edge: SceneEdge;
let folder: string;
let served: ReturnType<typeof openMerchants>;
/** Of an operator. */
let settings: Record<string, string>;
const secrets: Record<string, string> = {};

/** @param changed what the operator's file has otherwise than the service's */
function writeFile(name: string, changed: Readonly<Record<string, Readonly<Record<string, string>>>> = {}): string {
  const path = join(folder, name);
  const merchants = ["books", "toys", "games"].map((id) => {
    const key = changed[id]?.["key"] ?? `sk_test_account_${id}`;
    const secret = changed[id]?.["secret"] ?? secrets[id] ?? "";
    writeFileSync(join(folder, `${name}.${id}.key`), key, { mode: 0o600 });
    writeFileSync(join(folder, `${name}.${id}.secret`), secret, { mode: 0o600 });
    return { id, stripeSecretKey: `file:${name}.${id}.key`, webhookSecrets: [`file:${name}.${id}.secret`] };
  });
  writeFileSync(path, JSON.stringify({ merchants }), { mode: 0o600 });
  return path;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "doctor-merchants-"));
  scene = await openScene(1000);
  edge = await openEdge(scene, { furtherMerchants: () => served.all() });
  const { hostname: host, port } = new URL(scene.sandboxUrl);
  for (const id of ["books", "toys", "games"]) {
    const stripe = new Stripe(`sk_test_account_${id}`, { host, port: Number(port), protocol: "http" });
    const { secret = "" } = await stripe.webhookEndpoints.create({
      url: `${edge.url}/webhooks/${id}`,
      enabled_events: [...webhookEventTypes] as Stripe.WebhookEndpointCreateParams.EnabledEvent[],
      api_version: pinnedApiVersion,
    });
    secrets[id] = secret;
  }
  served = openMerchants({
    path: writeFile("served.json"),
    environment: {},
    apiBase: scene.sandboxUrl,
    ownWebhookSecrets: [webhookSecret],
    whyNoLiveKeys: null,
    onWarning: () => undefined,
  });
  await scene.restartService({ furtherMerchants: served });
  settings = {
    RESTATE_ADMIN_URL: scene.admin,
    RESTATE_INGRESS_URL: edge.url,
    STRIPE_SECRET_KEY: secretKey,
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    STRIPE_API_BASE: scene.sandboxUrl,
  };
});
afterAll(async () => {
  await edge.close();
  await scene.close();
  served.close();
  rmSync(folder, { recursive: true, force: true });
});

type Findings = readonly { readonly check: string; readonly verdict: string; readonly message: string }[];

async function examine(file: string, more: Readonly<Record<string, string>> = {}) {
  const all = { ...settings, MERCHANTS_FILE: file, ...more };
  const { stdout } = await runProgram("src/bin/doctor.ts", all, ["--json"]);
  const { findings } = JSON.parse(stdout) as { findings: Findings };
  const ofMerchants = findings.filter(({ check }) => check.includes(" of "));
  return {
    stdout,
    checks: ofMerchants.map(({ check }) => check),
    troubles: ofMerchants.filter(({ verdict }) => verdict !== "ok").map(({ check, message }) => [check, message]),
  };
}

it("finds nothing wrong with merchants that are well", async () => {
  const { checks, troubles } = await examine(writeFile("well.json"));
  expect(troubles).toEqual([]);
  expect(checks).toEqual(
    expect.arrayContaining(["Stripe key of books", "webhook path of toys", "reconciler of games"]),
  );
});

it("says whose key Stripe rejects, and whose webhook secret is another one than the edge's", async () => {
  const file = writeFile("ill.json", {
    books: { key: "sk_live_rejected" },
    toys: { secret: "whsec_of_an_endpoint_that_was_deleted" },
  });
  const { checks, troubles, stdout } = await examine(file);
  expect(troubles).toEqual([
    ["Stripe key of books", expect.stringMatching(/^books: Stripe rejects the API key \(401\)/)],
    ["webhook path of toys", expect.stringMatching(/^toys: A webhook is refused .* webhookSecrets of toys/)],
  ]);
  expect(checks.filter((check) => check.endsWith("of books"))).not.toContain("webhook endpoint of books");
  for (const secret of ["sk_live_rejected", "whsec_of_an_endpoint", secrets["games"] ?? "", "sk_test_account_games"]) {
    expect(stdout).not.toContain(secret);
  }
  const { stdout: text } = await runProgram("src/bin/doctor.ts", { ...settings, MERCHANTS_FILE: file });
  expect(text).toContain("✗ books: Stripe rejects the API key (401)");
  expect(text).toContain("→ Put a valid key into stripeSecretKey of books (MERCHANTS_FILE)");
  expect(text).toContain("✓ games: ");
});

it("takes the engine's ingress for the address of webhooks where there is no edge", async () => {
  const { hostname: host, port } = new URL(scene.sandboxUrl);
  const stripe = new Stripe("sk_test_account_games", { host, port: Number(port), protocol: "http" });
  await stripe.webhookEndpoints.create({
    url: `${scene.ingress}/payments/processWebhook`,
    enabled_events: [...webhookEventTypes] as Stripe.WebhookEndpointCreateParams.EnabledEvent[],
    api_version: pinnedApiVersion,
  });
  const { troubles } = await examine(writeFile("ingress.json"), { RESTATE_INGRESS_URL: scene.ingress });
  expect(troubles).toEqual(
    ["books", "toys"].map((id) => [
      `webhook endpoint of ${id}`,
      expect.stringContaining(`${id}: No webhook endpoint of the account ends in /payments/processWebhook.`),
    ]),
  );
});

it("refuses a file that it can't use, and says where it is wrong", async () => {
  const path = join(folder, "bad.json");
  writeFileSync(path, JSON.stringify({ merchants: [{ id: "Books" }] }));
  const ended = await runProgram("src/bin/doctor.ts", { ...settings, MERCHANTS_FILE: path });
  expect(ended).toMatchObject({ exitCode: 2, stdout: "" });
  expect(ended.stderr).toContain(`MERCHANTS_FILE ${path}: /merchants/0/id must be`);
});
