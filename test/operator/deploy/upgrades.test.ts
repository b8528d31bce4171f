/** A new version while payments wait: nothing is lost if it is deployed as the README says, and what would lose something is refused. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkDeploy } from "../../../src/operator/deploy/checkDeploy.ts";
import { findingsText } from "../../../src/operator/doctor/report.ts";
import { webhookEventTypes } from "../../../src/webhooks/eventTable.ts";
import { runDoctor, runPrinted, runProgram } from "../doctor/programs.ts";
import { bankDebit, card, newOrder, openScene, secretKey, until, type Scene } from "../../scene/scene.ts";
import {
  incompatibleVersion,
  openVersion,
  serveVersion,
  versionOfAnotherKind,
  versionWithout,
  versionWithoutHandler,
} from "./versions.ts";

let scene: Scene;
beforeAll(async () => {
  scene = await openScene(1000);
  const enabled_events = [...webhookEventTypes] as ["payment_intent.succeeded"];
  await scene.stripe.webhookEndpoints.update("we_configured_at_start", { enabled_events });
});
afterAll(async () => {
  await scene.close();
});

/** What `npm run deploy:check` does between reading its settings and printing; the findings as one text. */
async function deployCheck(address?: string): Promise<{ readonly isRefused: boolean; readonly text: string }> {
  const { isRefused, findings } = await checkDeploy({ adminUrl: scene.admin, authToken: undefined }, address);
  return { isRefused, text: findingsText(findings, "") };
}

/** A machine that does other things as well takes its time for a thousand payments. */
const patienceMs = 240_000;

/** Does it for all, as many at a time as an engine on two cores has use for. */
async function forAll<Item>(items: readonly Item[], act: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await act(item);
  };
  await Promise.all(Array.from({ length: 24 }, worker));
}

async function send(order: string): Promise<void> {
  const response = await fetch(`${scene.ingress}/payments/processPayment/send`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": order },
    body: JSON.stringify(bankDebit(order)),
  });
  expect(response.status).toBe(202);
  await response.arrayBuffer();
}

/** How many calls of `processPayment` there are, by where they began and how they stand. */
async function calls(): Promise<Readonly<Record<string, number>>> {
  const rows = await scene.sql<{ deployment: string; state: string; n: number }>(
    "select pinned_deployment_id as deployment, coalesce(completion_result, status) as state, count(1) as n from sys_invocation where target_handler_name = 'processPayment' group by pinned_deployment_id, coalesce(completion_result, status)",
  );
  return Object.fromEntries(rows.map(({ deployment, state, n }) => [`${deployment} ${state}`, n]));
}

async function deploymentAt(address: string): Promise<string> {
  const rows = await scene.sql<{ id: string }>(`select id from sys_deployment where endpoint = '${address}'`);
  return rows[0]?.id ?? "none";
}

async function settleAll(orders: readonly string[]): Promise<void> {
  const ids: string[] = [];
  for await (const payment of scene.stripe.paymentIntents.list({ limit: 100 })) {
    if (orders.includes(payment.metadata["orderId"] ?? "")) ids.push(payment.id);
  }
  expect(ids).toHaveLength(orders.length);
  await forAll(ids, (id) => scene.settle(id));
}

/** Every order has one answer, and Stripe has one payment with one charge for it. */
async function expectAllPaidOnce(orders: readonly string[]): Promise<void> {
  await forAll(orders, async (order) => {
    const answer = await scene.call("processPayment", bankDebit(order), order);
    expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", amountReceived: 4000 } });
  });
  await expectAllChargedOnce(orders);
}

async function expectAllChargedOnce(orders: readonly string[]): Promise<void> {
  const asked = new Set(orders);
  const payments = new Map<string, string>();
  for await (const payment of scene.stripe.paymentIntents.list({ limit: 100 })) {
    const order = payment.metadata["orderId"] ?? "";
    if (!asked.has(order)) continue;
    expect(payment).toMatchObject({ status: "succeeded", amount_received: 4000 });
    expect(payments.has(order)).toBe(false);
    payments.set(order, payment.id);
  }
  expect(payments.size).toBe(orders.length);
  const charged: string[] = [];
  for await (const { payment_intent: id } of scene.stripe.charges.list({ limit: 100 })) {
    if (typeof id === "string") charged.push(id);
  }
  const once = new Set(charged);
  expect(once.size).toBe(charged.length);
  expect([...payments.values()].filter((id) => !once.has(id))).toEqual([]);
}

it("refuses each registration that would strand something, and says why", async () => {
  const present = `http://127.0.0.1:${scene.servicePort}/`;
  const order = newOrder();
  await send(order);
  const { id } = await scene.waitingPaymentOf(order);
  const { serviceOptions: options } = scene;
  const foreignKey = "publickeyv1_w7YHemBctH5Ck2nQRQ47iBBqhNHy4FV7t2Usbye2A6f";
  const candidates: readonly (readonly [string, RegExp])[] = [
    [present, /✗ .* is the address of dp_\w+, on which 1 invocation began/],
    ["http://127.0.0.1:9/", /✗ The engine does not get through to http:\/\/127\.0\.0\.1:9\//],
    [await serveVersion(versionWithout(options, "paymentWatcher")), /✗ .* lacks the service paymentWatcher/],
    [await serveVersion(versionWithoutHandler(options, "refundPayment")), /✗ .* lacks payments\/refundPayment/],
    [await serveVersion(versionOfAnotherKind(options)), /✗ .*can't follow what is registered.*\n.*service type/],
    [await serveVersion(incompatibleVersion(options), [foreignKey]), /✗ .* refuses the engine/],
  ];
  for (const [address, reason] of candidates) {
    const { isRefused, text } = await deployCheck(address);
    expect(text).toMatch(reason);
    expect(text).not.toContain("deployments register");
    expect(isRefused).toBe(true);
  }
  expect(await scene.sql("select id from sys_deployment")).toHaveLength(1);

  // An old version that is switched off too early.
  await scene.stopService();
  const early = await deployCheck(await serveVersion(incompatibleVersion(options)));
  await scene.startService();
  expect(early.text).toMatch(/✗ 1 invocation began on dp_\w+ .* does not get through to it/);
  expect(early.isRefused).toBe(true);
  await scene.settle(id);
  await expectAllPaidOnce([order]);
});

it("goes on with what waits in a new process at the same address that has the same code", async () => {
  const orders = Array.from({ length: 20 }, newOrder);
  await forAll(orders, send);
  await forAll(orders, async (order) => void (await scene.suspended(order)));
  await scene.restartService();
  await settleAll(orders);
  await expectAllPaidOnce(orders);
});

it("shows what can't go on in other code at its address, and it goes on when its own is back", async () => {
  const order = newOrder();
  await send(order);
  const { id } = await scene.waitingPaymentOf(order);
  await scene.stopService();
  const version = await openVersion(incompatibleVersion(scene.serviceOptions), { port: scene.servicePort });
  await scene.settle(id);
  const doctor = await until("a mismatch", async () => {
    const examined = await runDoctor({
      RESTATE_ADMIN_URL: scene.admin,
      STRIPE_SECRET_KEY: secretKey,
      STRIPE_API_BASE: scene.sandboxUrl,
    });
    // Until the other code listens, the engine does not get through, which heals by itself.
    return examined.of("retried calls").some((finding) => finding.startsWith("wrong")) ? examined : undefined;
  });
  await version.close();
  await scene.startService();
  expect(doctor.of("retried calls")).toEqual([expect.stringMatching(/^wrong: 1 call is retried, and cannot go on/)]);
  await expectAllPaidOnce([order]);
});

it(
  "loses none of 1,000 waiting payments when another version is deployed, and says when the old one can go",
  async () => {
    const [oldAddress, orders] = [`http://127.0.0.1:${scene.servicePort}/`, Array.from({ length: 1000 }, newOrder)];
    const old = await deploymentAt(oldAddress);
    const { [`${old} success`]: before = 0 } = await calls();
    await forAll(orders, send);
    await until(
      "1,000 waiting calls",
      async () => ((await calls())[`${old} suspended`] === orders.length ? true : undefined),
      patienceMs,
    );

    // The procedure: start it beside the old one, check, register by the printed command.
    const newAddress = await serveVersion(incompatibleVersion(scene.serviceOptions));
    const settings = { RESTATE_ADMIN_URL: scene.admin };
    const checked = await runProgram("src/bin/deployCheck.ts", settings, [newAddress]);
    expect(checked).toMatchObject({ exitCode: 0, stderr: "" });
    const command = /→ (.*npx restate deployments register \S+)/.exec(checked.stdout)?.[1] ?? "";
    const registered = await runPrinted(`${command} --yes`);
    expect(registered).toMatchObject({ exitCode: 0 });
    const next = await deploymentAt(newAddress);
    expect(await deployCheck()).toMatchObject({
      isRefused: false,
      text: expect.stringContaining(
        `1000 invocations began on ${old} at ${oldAddress} and will end there: keep it running.`,
      ),
    });

    const onNew = await scene.call("processPayment", card(newOrder()));
    expect(onNew.status).toBe(200);
    await settleAll(orders);
    await until(
      "all to end",
      async () => ((await calls())[`${old} success`] === before + orders.length ? true : undefined),
      patienceMs,
    );
    await expectAllChargedOnce(orders);
    expect(await calls()).toEqual({ [`${old} success`]: before + orders.length, [`${next} success`]: 1 });
    // They were rung through the webhook handler of the new version.
    const webhooks = await scene.sql<{ n: number }>(
      `select count(1) as n from sys_invocation where target_handler_name = 'processWebhook' and pinned_deployment_id = '${next}' and completion_result = 'success'`,
    );
    expect(webhooks[0]?.n).toBeGreaterThanOrEqual(orders.length);

    const drained = await deployCheck();
    expect(drained.text).toContain(`${old} at ${oldAddress} is drained`);
    const removal = /→ (.*npx restate deployments remove \S+)/.exec(drained.text)?.[1] ?? "";
    await scene.stopService();
    expect((await runPrinted(`${removal} --yes`)).exitCode).toBe(0);
    expect(await scene.sql("select id from sys_deployment")).toEqual([{ id: next }]);
    expect((await scene.call("processPayment", card(newOrder()))).status).toBe(200);
  },
  patienceMs,
);
