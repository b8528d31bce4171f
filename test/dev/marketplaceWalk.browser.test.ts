/**
 * The walk of a marketplace's developer in docs/marketplaces.md, word for word but for the ports: `npm start` with its engine, edge, service
 * and sandbox, the commands in a shell, and the owners of the accounts in a real browser.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Stripe } from "stripe";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sandboxMerchantKey } from "../../src/dev/sandboxMerchants.ts";
import { closeBrowser, hasBrowser, openPage } from "../sandbox/pages/browser.ts";
import { likeShown, stepsOf, walkOf } from "./documentWalk.ts";
import { openShell, type Shell } from "./shell.ts";
import { settingsIn, start, type Settings, type Started } from "./startProgram.ts";

const platformKey = "sk_test_sandbox";

/** Of the pages of return only the address counts. */
const arrived = { waitUntil: "commit" } as const;

type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

describe.skipIf(!hasBrowser)("a marketplace", () => {
  const directory = mkdtempSync(join(tmpdir(), "marketplace-walk-"));
  const { text: document, blocks } = walkOf("docs/marketplaces.md", "## Try it without Stripe");
  let settings: Settings;
  let started: Started;
  let shell: Shell;

  beforeAll(async () => {
    // A platform beside the walk's own: a merchant with a key and webhook secrets of its own.
    const merchants = [{ id: "bazaar", stripeSecretKey: "env:BAZAAR_KEY", webhookSecrets: ["env:BAZAAR_SECRET"] }];
    writeFileSync(join(directory, "merchants.json"), JSON.stringify({ merchants }));
    const [, schedule = ""] = /`PAYMENT_POLL_SCHEDULE=(\w+) npm start`/.exec(document) ?? [];
    settings = {
      ...(await settingsIn(directory)),
      PAYMENT_POLL_SCHEDULE: schedule,
      MERCHANTS_FILE: "merchants.json",
    };
    started = start(directory, settings, { isForAll: true });
    await started.isReady();
    shell = openShell(directory);
  });
  afterAll(async () => {
    shell.close();
    started.kill("SIGTERM");
    await started.exited;
    await closeBrowser();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  const here = (text: string) =>
    text
      .replaceAll("127.0.0.1:8080", `127.0.0.1:${settings["EDGE_PORT"]}`)
      .replaceAll("127.0.0.1:12111", `127.0.0.1:${settings["SANDBOX_PORT"]}`);
  const clientOf = (key: string) =>
    new Stripe(key, { host: "127.0.0.1", port: Number(settings["SANDBOX_PORT"]), protocol: "http" });
  const edgeUrl = () => `http://127.0.0.1:${settings["EDGE_PORT"]}`;

  async function call(path: string, body: object): Promise<Answer> {
    const headers = { "content-type": "application/json", "idempotency-key": crypto.randomUUID() };
    const answer = await fetch(`${edgeUrl()}/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: answer.status, body: (await answer.json()) as Answer["body"] };
  }

  const allOf = async (key: string) => (await clientOf(key).accounts.list({ limit: 100 })).data;
  const feesOf = async (key: string) => (await clientOf(key).applicationFees.list()).data;

  /**
   * Runs what the document says. The money moves on the accounts a moment after a call has its answer, so balances are asked for until
   * they are as shown, or ten seconds have passed.
   */
  async function follow(commands: string, shown: string): Promise<string> {
    const deadline = Date.now() + 10_000;
    for (;;) {
      const printed = await shell.run(commands);
      if (!commands.startsWith("balance") || likeShown(shown).test(printed) || Date.now() > deadline) return printed;
      await delay(100);
    }
  }

  it("takes payments for a shop and a bakery as its document says, to the cent", { timeout: 120_000 }, async () => {
    let shop = "";
    const seen: string[] = [];
    for (const { commands, shown } of stepsOf(blocks)) {
      const printed = await follow(here(commands).replace("shop=acct_…", `shop=${shop}`), here(shown));
      expect(printed).toMatch(likeShown(here(shown)));
      const [, url = ""] = /^\{"url":"([^"]+)"/.exec(printed) ?? [];
      if (commands.includes("createConnectUrl")) {
        const page = await consentTo(url, "Connect");
        await page.getByRole("heading", { name: "Stripe connected" }).waitFor();
        seen.push(page.url());
        await page.waitForURL(/\/docs\?account=acct_\w+$/, arrived);
        shop = new URL(page.url()).searchParams.get("account") ?? "";
      }
      if (commands.includes("createOnboardingLink")) seen.push(await onboardAt(url, "Give everything: "));
    }
    expect(seen).toEqual([
      expect.stringContaining(`${edgeUrl()}/connect/callback?`) as string,
      // The link was used.
      `${edgeUrl()}/docs?again`,
    ]);

    const fees = (await feesOf(platformKey)).map(({ amount, amount_refunded }) => `${amount} − ${amount_refunded}`);
    expect(fees.toSorted()).toEqual(["100 − 100", "100 − 100", "400 − 0", "400 − 0"]);
    const { data } = await clientOf(platformKey).transfers.list();
    const transfers = data.map(({ amount, amount_reversed }) => `${amount} − ${amount_reversed}`);
    expect(transfers.toSorted()).toEqual(["1000 − 1000", "3600 − 0", "4000 − 0", "900 − 300"]);
  });

  it("that is a merchant with a webhook secret of its own connects sellers, and hears of their debits", async () => {
    const merchant = "bazaar";
    const asked = await call("accounts/createConnectUrl", { merchant, returnUrl: `${edgeUrl()}/docs?a={ACCOUNT_ID}` });
    const page = await consentTo(String(asked.body["url"]), "Connect");
    await page.getByRole("link", { name: "Continue" }).click();
    await page.waitForURL(/\/docs\?a=acct_\w+$/, arrived);
    const stripeAccount = new URL(page.url()).searchParams.get("a") ?? "";
    expect(await call("accounts/getAccount", { merchant, accountId: stripeAccount })).toMatchObject({ status: 200 });
    expect(await call("accounts/getAccount", { accountId: stripeAccount })).toMatchObject({ status: 404 });
    const debit = { paymentMethodId: "pm_usBankAccount_success", mandate: { type: "offline" }, amount: 4000 };
    const paid = await call("payments/processPayment", {
      ...debit,
      merchant,
      stripeAccount,
      applicationFeeAmount: 400,
    });
    expect(paid).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "webhook" } });
    await expect.poll(() => feesOf(sandboxMerchantKey(merchant)), { timeout: 10_000 }).toMatchObject([{ amount: 400 }]);
  });

  it("is told why an account is not connected, and connects nothing twice", async () => {
    const returnUrl = `${edgeUrl()}/docs`;
    const begin = async () => String((await call("accounts/createConnectUrl", { returnUrl })).body["url"]);
    const denied = await consentTo(await begin(), "Deny");
    await denied.getByRole("heading", { name: "Stripe was not connected" }).waitFor();
    await denied.getByText("You chose not to connect your Stripe account.").waitFor();
    expect(new URL(denied.url()).pathname).toBe("/connect/callback");

    const url = await begin();
    const first = await consentTo(url, "Connect");
    await first.getByRole("heading", { name: "Stripe connected" }).waitFor();
    const before = (await allOf(platformKey)).length;
    // The same address of Stripe's page brings another code with the state that was used.
    const second = await consentTo(url, "Connect");
    await second.getByRole("heading", { name: "Stripe was not connected" }).waitFor();
    await second.getByText("was used already").waitFor();
    expect(await allOf(platformKey)).toHaveLength(before);
  });

  it("waits on for an owner who leaves the onboarding, and ends for one whom Stripe rejects", async () => {
    const { accountId } = (await call("accounts/createAccount", { dashboard: "express" })).body;
    const link = async () => {
      const pages = { returnUrl: `${edgeUrl()}/docs?back`, refreshUrl: `${edgeUrl()}/docs?again` };
      return String((await call("accounts/createOnboardingLink", { accountId, ...pages })).body["url"]);
    };
    const waiting = call("accounts/awaitOnboarding", { accountId });
    let hasEnded = false;
    void waiting.then(() => (hasEnded = true));
    await onboardAt(await link(), "Leave without finishing");
    expect(await call("accounts/awaitOnboarding", { accountId, timeoutSeconds: 1 })).toMatchObject({ status: 408 });
    expect(hasEnded).toBe(false);
    await onboardAt(await link(), "Give what makes Stripe reject");
    expect(await waiting).toMatchObject({
      status: 409,
      body: { metadata: { reason: "rejected", accountId, failureReason: "rejected.other" } },
    });
  });
});

/** Opens Stripe's page, as the owner of an account does, and presses a button on it. */
async function consentTo(url: string, button: "Connect" | "Deny") {
  const page = await openPage();
  await page.goto(url);
  await page.getByRole("heading", { name: /^Connect your account to / }).waitFor();
  await page.getByRole("button", { name: button, exact: true }).click();
  return page;
}

/** Goes through the onboarding. @returns where the link leads when it is opened once more */
async function onboardAt(url: string, choice: string): Promise<string> {
  const page = await openPage();
  await page.goto(url);
  await page.getByRole("group", { name: "What comes of it" }).getByLabel(choice).check();
  await page.getByRole("button", { name: "Return to Sandbox platform" }).click();
  await page.waitForURL(/\/docs\?back$/, arrived);
  await page.goto(url, arrived);
  return page.url();
}
