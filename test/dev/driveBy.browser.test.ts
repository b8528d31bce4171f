/**
 * `npm start` on a developer's machine, and a website in the developer's browser that would like to be paid: it posts to every port that it
 * can guess, with and without CORS, by forms, and under a name of its own that points to this machine. No payment is made, no payment
 * that waits is cancelled, and nothing is read.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeBrowser, hasBrowser, openPage, reboundName } from "../sandbox/pages/browser.ts";
import { until } from "./conditions.ts";
import { settingsIn, start, type Settings, type Started } from "./startProgram.ts";

const payment = { paymentMethodId: "pm_card_visa", amount: 66_600 };

/** What the page's script gets to see: a status and a text, or that there was no answer. */
async function fetchIn(page: Page, url: string, init: Readonly<Record<string, unknown>>): Promise<string> {
  return await page.evaluate(
    async ([address, options]) => {
      try {
        const response = await fetch(address, options);
        return `${response.status} ${await response.text()}`;
      } catch {
        return "no answer";
      }
    },
    [url, init] as const,
  );
}

describe.skipIf(!hasBrowser)("a website in a developer's browser", () => {
  const website = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<title>Somebody's page</title>");
  });
  const directory = mkdtempSync(join(tmpdir(), "payments-drive-by-"));
  let settings: Settings;
  let started: Started;

  beforeAll(async () => {
    settings = await settingsIn(directory);
    started = start(directory, settings, { isForAll: true });
    website.listen(0, "127.0.0.1");
    await Promise.all([once(website, "listening"), started.isReady()]);
  });
  afterAll(async () => {
    await closeBrowser();
    website.closeAllConnections();
    website.close();
    started.kill("SIGTERM");
    await started.exited;
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  const edge = (path: string, host = "127.0.0.1") => `http://${host}:${settings["EDGE_PORT"]}${path}`;

  async function openWebsite(): Promise<Page> {
    const page = await openPage();
    await page.goto(`http://127.0.0.1:${(website.address() as AddressInfo).port}/`);
    return page;
  }

  async function paymentsMade(): Promise<number> {
    const url = `http://127.0.0.1:${settings["SANDBOX_PORT"]}/v1/payment_intents?limit=100`;
    const response = await fetch(url, { headers: { authorization: "Bearer sk_test_sandbox" } });
    return ((await response.json()) as { data: unknown[] }).data.length;
  }

  const json = { "content-type": "application/json", "idempotency-key": "drive-by" };
  const body = JSON.stringify(payment);

  it.each([
    ["a request that asks first", { method: "POST", headers: json, body }],
    ["one that needs no question", { method: "POST", body, mode: "no-cors" }],
    ["one with credentials", { method: "POST", headers: json, body, credentials: "include" }],
    ["a read", { method: "GET" }],
  ])("is not paid by %s", async (_what, init) => {
    const page = await openWebsite();
    const before = await paymentsMade();
    for (const path of ["/payments/processPayment", "/payments/createCustomer", "/webhooks/default"]) {
      // Without CORS, a page sees an answer of no status and no text.
      expect(["no answer", "0 "]).toContain(await fetchIn(page, edge(path), init));
    }
    for (const port of [settings["PORT"], settings["RESTATE_ADMIN_PORT"]]) {
      const url = `http://127.0.0.1:${port}/invoke/payments/processPayment`;
      expect(["no answer", "0 "]).toContain(await fetchIn(page, url, init));
    }
    expect(await paymentsMade()).toBe(before);
  });

  it("is not paid by a form, nor by one in a frame", async () => {
    const page = await openWebsite();
    const before = await paymentsMade();
    for (const target of ["_self", "hidden"]) {
      await page.goto(`http://127.0.0.1:${(website.address() as AddressInfo).port}/`);
      await page.evaluate(
        ([action, frame]) => {
          const { document } = globalThis as unknown as { document: { body: { innerHTML: string } } };
          document.body.innerHTML = `<iframe name="hidden"></iframe><form method="post" target="${frame}" action="${action}" enctype="text/plain"><input name='{"paymentMethodId":"pm_card_visa","amount":66600,"description":"' value='"}'><button>Win a prize</button></form>`;
        },
        [edge("/payments/processPayment"), target] as const,
      );
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.url().startsWith(edge("/"))),
        page.getByRole("button").click(),
      ]);
      expect(answer.status()).toBe(403);
    }
    expect(await paymentsMade()).toBe(before);
  });

  it("is nobody under a name of its own that points to this machine", async () => {
    const page = await openPage();
    // To the browser its own page, and the edge, are now of one origin.
    await page.goto(edge("/docs", reboundName));
    const before = await paymentsMade();
    const answer = await fetchIn(page, edge("/payments/processPayment", reboundName), {
      method: "POST",
      headers: json,
      body,
    });
    expect(answer).toMatch(/^401 .*"reason":"unauthorized"/);
    // The refusal is a page of that origin, too.
    const admin = `http://${reboundName}:${settings["RESTATE_ADMIN_PORT"]}`;
    expect((await page.goto(`${admin}/ui/`))?.status()).toBe(403);
    const query = { method: "POST", headers: { "content-type": "application/json" }, body: '{"query":"select 1"}' };
    expect(await fetchIn(page, `${admin}/query`, query)).toMatch(/^403 /);
    expect(await paymentsMade()).toBe(before);
  });

  it("cancels no payment that waits, whose key it knows", async () => {
    const outcome = fetch(edge("/payments/processPayment"), {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": "known-to-all" },
      body: JSON.stringify({
        paymentMethodId: "pm_usBankAccount_success",
        amount: 2500,
        mandate: { type: "offline" },
      }),
    });
    const before = await paymentsMade();
    await until(async () => (await paymentsMade()) > 0 && before >= 0);
    const page = await openWebsite();
    for (const path of [
      "/restate/awakeables/sign_1x/resolve",
      "/restate/awakeables/sign_1x/reject",
      "/calls/x/cancel",
    ]) {
      expect(["no answer", "0 "]).toContain(await fetchIn(page, edge(path), { method: "POST", mode: "no-cors" }));
    }
    expect((await outcome).status).toBe(200);
  });
});
