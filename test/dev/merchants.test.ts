/** `npm start` with a file of merchants and no Stripe key: each merchant gets an account of its own at the sandbox. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Stripe } from "stripe";
import { expect, test } from "vitest";
import { runProgram } from "../operator/doctor/programs.ts";
import { temporaryDirectory, until } from "./conditions.ts";
import { settingsIn, start, type Settings, type Started } from "./startProgram.ts";

/** The secrets of Stripe's that the file names need not be there: the sandbox has others. */
const books = { id: "books", stripeSecretKey: "env:BOOKS_KEY", webhookSecrets: ["env:BOOKS_WEBHOOK"], mode: "live" };
const toys = {
  id: "toy-shop_2",
  stripeSecretKey: "file:secrets/toys",
  webhookSecrets: ["file:secrets/toys-webhook"],
  limits: { usd: 5000 },
};

type Paid = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

async function stageIn(directory: string) {
  const file = join(directory, "merchants.json");
  const settings: Settings = { ...(await settingsIn(directory)), MERCHANTS_FILE: file };
  const stripeOf = (secretKey: string) =>
    new Stripe(secretKey, { host: "127.0.0.1", port: Number(settings["SANDBOX_PORT"]), protocol: "http" });
  return {
    settings,
    writeFile: (...merchants: readonly object[]) => writeFileSync(file, JSON.stringify({ merchants })),
    writeText: (text: string) => writeFileSync(file, text),
    file,
    stripeOf,
    stripeOfMerchant: (id: string) => stripeOf(`sk_test_account_${id}`),
    secretFile: (name: string) => join(settings["DATA_DIR"] ?? "", "sandbox/merchants", name),
    pay: async (merchant: string | undefined, more: object = {}, key: string = crypto.randomUUID()): Promise<Paid> => {
      const request = { merchant, paymentMethodId: "pm_card_visa", amount: 109, ...more };
      const response = await fetch(`http://127.0.0.1:${settings["EDGE_PORT"]}/payments/processPayment`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify(request),
      });
      return { status: response.status, body: (await response.json()) as Paid["body"] };
    },
  };
}

async function stop(started: Started): Promise<void> {
  started.kill("SIGTERM");
  expect(await started.exited).toBe(0);
}

test("pays for every merchant into an account of its own, told by webhooks, and the next start goes on with the same endpoints", async () => {
  const directory = temporaryDirectory();
  const stage = await stageIn(directory);
  const { pay, stripeOfMerchant, stripeOf } = stage;
  stage.writeFile(books, toys);
  const first = start(directory, stage.settings);
  await first.isReady();
  expect(first.output()).toContain("  Merchants   default, books, toy-shop_2 (each with an account of its own there;");

  const key = crypto.randomUUID();
  const debit = { paymentMethodId: "pm_usBankAccount_success", amount: 2500, mandate: { type: "offline" } };
  const paid = await Promise.all(["books", "toy-shop_2", undefined].map(async (one) => await pay(one, debit, key)));
  for (const one of paid) expect(one).toMatchObject({ status: 200, body: { settledBy: "webhook" } });
  const clients = [stripeOfMerchant("books"), stripeOfMerchant("toy-shop_2"), stripeOf("sk_test_any")];
  for (const [index, client] of clients.entries()) {
    const { data } = await client.paymentIntents.list();
    expect(data.map(({ id }) => id)).toEqual([paid[index]?.body["paymentIntentId"]]);
  }
  expect(await pay("toy-shop_2", { amount: 5001 })).toMatchObject({
    status: 400,
    body: { message: "This merchant charges at most 5000 (usd, in minor units) at once." },
  });
  expect(await pay("games")).toMatchObject({ status: 400 });

  const doctor = await runProgram("src/bin/doctor.ts", stage.settings, ["--json"]);
  const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; verdict: string }[] };
  expect(findings.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual(
    expect.arrayContaining(["Stripe key of books", "webhook path of toy-shop_2", "webhook endpoint of books"]),
  );

  const names = ["books.webhook-secret", "books.connect-secret", "books.key", "merchants.json"].map(stage.secretFile);
  for (const name of names) expect(statSync(name).mode & 0o777).toBe(0o600);
  const secrets = names.map((name) => readFileSync(name, "utf8"));
  const endpoints = await endpointsOf(stripeOfMerchant("books"));
  expect(endpoints).toHaveLength(2);
  await stop(first);

  const second = start(directory, stage.settings);
  await second.isReady();
  expect(names.map((name) => readFileSync(name, "utf8"))).toEqual(secrets);
  expect(await endpointsOf(stripeOfMerchant("books"))).toEqual(endpoints);
  expect(await pay("books", { delayedStatus: true })).toMatchObject({ status: 200, body: { settledBy: "webhook" } });
  for (const secret of secrets.slice(0, 2)) expect(first.output() + second.output()).not.toContain(secret);
  await stop(second);
});

async function endpointsOf(stripe: Stripe): Promise<readonly (readonly [string, string])[]> {
  const { data } = await stripe.webhookEndpoints.list();
  return data.map(({ id, url }) => [id, url] as const);
}

test("serves a merchant who comes while it runs, and keeps the merchants while the file can't be used", async () => {
  const directory = temporaryDirectory();
  const stage = await stageIn(directory);
  const { pay } = stage;
  stage.writeFile(books);
  const started = start(directory, stage.settings);
  await started.isReady();
  stage.writeFile(books, toys);
  await until(async () => (await pay("toy-shop_2")).status === 200);
  expect(await pay("toy-shop_2", { delayedStatus: true })).toMatchObject({ body: { settledBy: "webhook" } });

  const kept = "The merchants that were read before stay as they were.";
  stage.writeText('{"merchants": [');
  await until(() => started.output().includes(`[sandbox] MERCHANTS_FILE ${stage.file}: is not JSON ${kept}`));
  stage.writeFile(books, books, { ...toys, notifyUrl: "https://toys.example/", notifySecret: "env:TOYS_NOTIFY" });
  await until(() => started.output().includes("/merchants/1/id is there twice"));
  expect(started.output()).toContain("/merchants/2/notifySecret names a variable that is not set");
  expect(await pay("books")).toMatchObject({ status: 200 });
  expect(await pay("toy-shop_2")).toMatchObject({ status: 200 });

  stage.writeFile(toys);
  await until(async () => (await pay("books")).status === 400);
  expect(await pay("toy-shop_2")).toMatchObject({ status: 200 });
  await stop(started);
});

test("a file that can't be used stops the start, and says why", async () => {
  const directory = temporaryDirectory();
  const stage = await stageIn(directory);
  const absent = start(directory, stage.settings);
  expect(await absent.exited).toBe(1);
  expect(absent.output()).toBe(`The settings need a correction:\n  - MERCHANTS_FILE ${stage.file} does not exist.\n`);
  const doctor = await runProgram("src/bin/doctor.ts", stage.settings);
  expect(doctor).toMatchObject({ exitCode: 2, stdout: "" });
  expect(doctor.stderr).toContain("npm start has not served its merchants yet");

  stage.writeFile({ ...books, stripeSecretKey: "sk_test_written_into_the_file" });
  const wrong = start(directory, stage.settings);
  expect(await wrong.exited).toBe(1);
  expect(wrong.output()).toContain(`MERCHANTS_FILE ${stage.file}: /merchants/0/stripeSecretKey must say where`);
  expect(wrong.output()).not.toContain("sk_test_written_into_the_file");
});
