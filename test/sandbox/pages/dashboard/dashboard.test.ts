/** The sandbox's own page in a real browser; what its buttons do is asked of the API and of a webhook receiver. */
import type { Page } from "playwright-core";
import type { Stripe } from "stripe";
import { afterAll, describe, expect, it } from "vitest";
import { type SandboxOptions, startSandbox } from "../../../../src/sandbox/sandbox.ts";
import { idOf } from "../../../../src/sandbox/world/storedObjects.ts";
import {
  cardPayment,
  clientOf,
  control,
  debitPayment,
  errorOf,
  eventTypes,
  secret,
  type Surroundings,
  until,
  untilStatus,
  withReceiver,
  withSandbox,
} from "../../surroundings.ts";
import { closeBrowser, hasBrowser, openPage } from "../browser.ts";

afterAll(closeBrowser);

const NEVER_MS = 3_600_000;

/** The page over a sandbox that settles nothing by itself. */
async function withDashboard(
  use: (surroundings: Surroundings & { readonly page: Page }) => Promise<void>,
  options: Partial<SandboxOptions> = {},
): Promise<void> {
  const run = async ({ sandbox, stripe }: Surroundings): Promise<void> => {
    const page = await openPage();
    await page.goto(sandbox.url);
    await use({ sandbox, stripe, page });
  };
  await withSandbox(run, { settlementDelayMs: NEVER_MS, ...options });
}

/** Lets the page ask at once instead of with its next tick. */
async function refresh(page: Page): Promise<void> {
  await page.evaluate("document.body.dispatchEvent(new CustomEvent('sandbox-changed'))");
}

async function press(page: Page, name: string): Promise<void> {
  await refresh(page);
  await page.getByRole("button", { name, exact: true }).click();
}

async function says(page: Page, text: string): Promise<void> {
  await page.getByRole("status").getByText(text).waitFor();
}

async function payByDebit(stripe: Stripe, change: Partial<Stripe.PaymentIntentCreateParams> = {}): Promise<string> {
  return (await stripe.paymentIntents.create({ ...debitPayment(), ...change })).id;
}

describe.skipIf(!hasBrowser)("the sandbox's page", () => {
  it("tells a newcomer what to do, and shows a payment without a reload", async () => {
    await withDashboard(async ({ page, sandbox, stripe }) => {
      await page.getByText(`curl ${sandbox.url}/v1/payment_intents`).waitFor();
      const { id } = await stripe.paymentIntents.create({ ...cardPayment(), description: "Order 4711" });
      const row = page
        .getByRole("table", { name: "Payments and other objects" })
        .getByRole("row")
        .filter({ hasText: id });
      await row.waitFor();
      expect(await row.textContent()).toMatch(/payment intent[^]*Order 4711[^]*\$10\.99[^]*succeeded/);
      const request = page.getByRole("table", { name: "Requests" }).getByRole("row").filter({ hasText: id });
      expect(await request.textContent()).toMatch(/POST \/v1\/payment_intents[^]*200/);
      expect(await page.getByText("Nothing has come in yet").count()).toBe(0);
      expect((await control(sandbox, "GET", "/requests")).body).toHaveLength(1);
    });
  });

  it.each([
    ["Settle", "succeeded"],
    ["Fail", "requires_payment_method"],
  ])("%s ends a processing payment as %s", async (label, status) => {
    await withDashboard(async ({ page, stripe }) => {
      const id = await payByDebit(stripe);
      await press(page, `${label} ${id}`);
      await says(page, id);
      expect((await stripe.paymentIntents.retrieve(id)).status).toBe(status);
      await page.getByRole("button", { name: `Settle ${id}` }).waitFor({ state: "detached" });
    });
  });

  it("authorizes, captures, refunds and settles what waits for it", async () => {
    await withDashboard(async ({ page, stripe }) => {
      const waiting = await stripe.paymentIntents.create({
        ...cardPayment("pm_card_threeDSecure2Required"),
        capture_method: "manual",
      });
      await press(page, `Authorize ${waiting.id}`);
      await press(page, `Capture ${waiting.id}`);
      await press(page, `Refund ${waiting.id}`);
      await page.getByRole("row").filter({ hasText: waiting.id }).getByText("refunded").waitFor();
      const paid = await payByDebit(stripe);
      await press(page, `Settle ${paid}`);
      await press(page, `Refund ${paid}`);
      await says(page, `Refunded ${paid}`);
      const refund = await until(
        "the refund",
        async () => (await stripe.refunds.list({ payment_intent: paid })).data[0],
      );
      expect(refund.status).toBe("pending");
      await press(page, `Fail ${refund.id}`);
      await says(page, refund.id);
      expect((await stripe.refunds.retrieve(refund.id)).status).toBe("failed");
    });
  });

  it("disputes a payment, and says why it can't be disputed twice", async () => {
    await withDashboard(async ({ page, sandbox, stripe }) => {
      const { id, latest_charge } = await stripe.paymentIntents.create(cardPayment());
      await press(page, `Dispute ${id}`);
      await says(page, `Disputed ${id}`);
      const [dispute] = (await stripe.disputes.list({ payment_intent: id })).data;
      expect(dispute).toMatchObject({ charge: latest_charge, reason: "fraudulent", status: "needs_response" });
      expect(await eventTypes(stripe)).toEqual(
        expect.arrayContaining(["charge.dispute.created", "charge.dispute.funds_withdrawn"]),
      );
      const again = await control(sandbox, "POST", "/dispute", { id });
      expect(again).toMatchObject({
        status: 409,
        body: { error: { message: expect.stringContaining("can't be disputed") } },
      });
      await press(page, `Win ${dispute?.id}`);
      await says(page, `Won ${dispute?.id}`);
      expect((await stripe.disputes.retrieve(String(dispute?.id))).status).toBe("won");
    });
  });

  it("onboards, disables and disconnects an account", async () => {
    await withDashboard(async ({ page, stripe }) => {
      const { id } = await stripe.accounts.create({ type: "standard" });
      await press(page, `Onboard ${id}`);
      await says(page, `Onboarded ${id}`);
      expect((await stripe.accounts.retrieve(id)).charges_enabled).toBe(true);
      await press(page, `Disable ${id}`);
      await says(page, `Disabled ${id}`);
      expect((await stripe.accounts.retrieve(id)).charges_enabled).toBe(false);
      await press(page, `Disconnect ${id}`);
      await says(page, `Disconnected ${id}`);
      expect((await stripe.accounts.list()).data).toEqual([]);
      await page.getByRole("button", { name: `Onboard ${id}` }).waitFor({ state: "detached" });
    });
  });

  it("resends an event to all endpoints, and delivers it again to one", async () => {
    await withReceiver(async ({ url, received, answerWith }) => {
      await withDashboard(
        async ({ page, stripe }) => {
          await stripe.webhookEndpoints.create({ url: `${url}/second`, enabled_events: ["customer.created"] });
          answerWith(500);
          await stripe.customers.create({});
          const event = await until("both webhooks", () => (received.length === 2 ? received[0]?.event : undefined));
          await refresh(page);
          await page.getByText("in 59 min").first().waitFor();
          answerWith(200);
          await press(page, `Resend ${event.id}`);
          await says(page, "The 2 endpoints: answered 200; answered 200.");
          expect(received.map(({ event: { id } }) => id)).toEqual([event.id, event.id, event.id, event.id]);
          const name = `Deliver again customer.created ${event.id}`;
          await page.getByRole("row").filter({ hasText: "/second" }).getByRole("button", { name }).first().click();
          await says(page, "The endpoint: answered 200.");
          expect(received).toHaveLength(5);
        },
        { webhook: { url, secret }, webhookRetryDelaysMs: [NEVER_MS] },
      );
    });
  });

  it("switches a fault on, shows what it did, and clears another", async () => {
    await withDashboard(async ({ page, sandbox, stripe }) => {
      await page.getByText("Break an answer").click();
      const form = page.locator("#api-fault");
      await form.getByLabel("Effect").selectOption("rate_limit");
      await form.getByLabel("Method").selectOption("POST");
      await form.getByLabel("Path").fill("/v1/customers*");
      await form.getByRole("button", { name: "Break it" }).click();
      await says(page, "Switched on: 429");
      await page.getByText("1 of 1").waitFor();
      expect((await errorOf(stripe.customers.create({}))).statusCode).toBe(429);
      await refresh(page);
      await page.getByText("None is on").waitFor();
      await page.getByRole("table", { name: "Requests" }).getByText("429", { exact: true }).waitFor();

      await page.getByText("Break a webhook").click();
      const other = page.locator("#webhook-fault");
      await other.getByLabel("How often").fill("0");
      await other.getByRole("button", { name: "Break it" }).click();
      await page.getByText("until cleared", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Clear lose" }).click();
      await says(page, "Cleared the fault.");
      expect((await control(sandbox, "GET", "/faults")).body).toEqual([]);
    });
  });

  it("says beside the field what is wrong with a fault, and keeps what was typed", async () => {
    await withDashboard(async ({ page, sandbox }) => {
      await page.getByText("Break an answer").click();
      const form = page.locator("#api-fault");
      await form.getByLabel("Path").fill("/v1/refunds");
      await form.getByLabel("Probability").fill("2");
      await form.getByLabel("Probability").press("Enter");
      await form.getByRole("alert").waitFor();
      const field = page.locator("#api-probability");
      expect(await field.getAttribute("aria-invalid")).toBe("true");
      const reason = page.locator(`#${await field.getAttribute("aria-describedby")}`);
      expect(await reason.textContent()).toBe("The probability must be a number from 0 to 1.");
      expect(await form.getByLabel("Path").inputValue()).toBe("/v1/refunds");
      expect((await control(sandbox, "GET", "/faults")).body).toEqual([]);
    });
  });

  it("halts and advances the clock, and refuses what is no time", async () => {
    await withDashboard(async ({ page, sandbox, stripe }) => {
      const id = await payByDebit(stripe);
      await press(page, "Halt the clock");
      await says(page, "stands still");
      await page.getByLabel("Advance by how many").fill("-5");
      await press(page, "Advance the clock");
      await says(page, "Refused: The clock advances by a whole number");
      const before = (await control(sandbox, "GET", "/clock")).body as { nowMs: number };
      await press(page, "Advance by 1 day");
      await says(page, "Advanced by 1 day,");
      const after = (await control(sandbox, "GET", "/clock")).body as { nowMs: number };
      expect(after.nowMs - before.nowMs).toBe(86_400_000);
      await untilStatus(stripe, id, "succeeded");
      await press(page, "Let the clock go on");
      await page.getByText("Real time").waitFor();
    });
  });

  it("keeps focus, typed text and open details while it asks anew", async () => {
    await withDashboard(async ({ page, stripe }) => {
      const first = await payByDebit(stripe);
      await page.getByText("Break an answer").click();
      await page.getByLabel("Id, or how it begins").fill("pi_");
      await refresh(page);
      await page.getByRole("button", { name: `Fail ${first}` }).focus();
      const second = await payByDebit(stripe);
      await page.getByRole("button", { name: `Fail ${second}` }).waitFor();
      expect(await page.evaluate("document.activeElement.id")).toBe(`fail-${first}`);
      expect(await page.getByLabel("Id, or how it begins").inputValue()).toBe("pi_");
      expect(await page.locator("#api-fault").isVisible()).toBe(true);
    });
  });

  it("is worked by keyboard alone, and leaves the focus in the row whose button is gone", async () => {
    await withDashboard(async ({ page, sandbox, stripe }) => {
      const id = await payByDebit(stripe);
      await page.goto(`${sandbox.url}/?view=objects&kind=payment_intent`);
      const focused = async (): Promise<unknown> => await page.evaluate("document.activeElement.id");
      for (let presses = 0; (await focused()) !== `settle-${id}` && presses < 60; presses++)
        await page.keyboard.press("Tab");
      expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
      await page.keyboard.press("Enter");
      await says(page, `Settled ${id}`);
      await page.getByRole("button", { name: `Dispute ${id}` }).waitFor();
      expect(await focused()).toBe(`open-${id}`);
      await page.keyboard.press("Enter");
      await page.getByText(`"id": "${id}"`).waitFor();
    });
  });

  it("finds objects by kind and id, and pages through older ones", async () => {
    await withDashboard(async ({ page, sandbox, stripe }) => {
      const oldest = await stripe.customers.create({ name: "The first" });
      await Promise.all(Array.from({ length: 50 }, () => stripe.customers.create({ name: "Another" })));
      await stripe.paymentIntents.create(cardPayment());
      await page.goto(`${sandbox.url}/?view=objects&kind=customer`);
      expect(await page.locator("tbody tr").count()).toBe(50);
      await page.getByRole("link", { name: "Older" }).click();
      await page.getByText("The first").waitFor();
      expect(await page.locator("tbody tr").count()).toBe(1);
      await page.goto(`${sandbox.url}/?view=objects`);
      await page.getByLabel("Id, or how it begins").fill(oldest.id);
      await page.keyboard.press("Enter");
      await page.getByText("The first").waitFor();
      expect(await page.locator("tbody tr").count()).toBe(1);
    });
  });

  it("shows an object's whole history, as text, and no signing secret", async () => {
    await withReceiver(async ({ url }) => {
      const shown: string[] = [];
      await withDashboard(
        async ({ page, sandbox, stripe }) => {
          page.on("dialog", () => expect.unreachable("A script ran."));
          const made = await stripe.webhookEndpoints.create({ url, enabled_events: ["*"] });
          const { id, latest_charge } = await stripe.paymentIntents.create({
            ...cardPayment(),
            description: "<script>alert(1)</script>",
          });
          await refresh(page);
          await page.getByText("<script>alert(1)</script>").first().waitFor();
          shown.push(await page.content());
          await page.goto(`${sandbox.url}/?object=${id}`);
          await page.getByText('"description": "<script>alert(1)</script>"').waitFor();
          await page
            .getByRole("table", { name: "Objects that name this one" })
            .getByText(idOf(latest_charge) ?? "")
            .waitFor();
          await page.getByRole("table", { name: "Requests that name" }).getByText("/v1/payment_intents").waitFor();
          shown.push(await page.content());
          await page.getByRole("link", { name: "payment_intent.succeeded" }).first().click();
          await page.getByText('"type": "payment_intent.succeeded"').waitFor();
          shown.push(await page.content());
          for (const content of shown) expect(content).not.toContain("whsec_");
          expect(made.secret).toContain("whsec_");
        },
        { webhook: { url, secret } },
      );
    });
  });

  it("fits a phone without scrolling sideways", async () => {
    await withSandbox(
      async ({ sandbox, stripe }) => {
        const endpoint = `http://127.0.0.1:9/${"a-long-path/".repeat(8)}`;
        await stripe.webhookEndpoints.create({ url: endpoint, enabled_events: ["*"] });
        const description = "AnUnbrokenDescription".repeat(8);
        const id = await payByDebit(stripe, { description });
        await control(sandbox, "POST", "/faults", { target: "api", effect: "stall", path: `/v1/${"x".repeat(80)}` });
        const page = await openPage({ isPhone: true });
        for (const path of ["", "/?view=deliveries", "/?view=requests", `/?object=${id}`]) {
          await page.goto(`${sandbox.url}${path}`);
          expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
        }
      },
      { settlementDelayMs: NEVER_MS },
    );
  });

  it("says that the sandbox is gone, and asks for nothing while nobody looks", async () => {
    const sandbox = await startSandbox({ port: 0, dataDir: null, webhook: null });
    const page = await openPage();
    await page.addInitScript("Object.defineProperty(document, 'hidden', { value: true, configurable: true })");
    const asked: string[] = [];
    page.on("request", (request) => {
      if (request.url().includes("/_sandbox/page")) asked.push(request.url());
    });
    await page.goto(sandbox.url);
    const attempt = page.evaluate(
      "new Promise((done) => document.addEventListener('htmx:finally:request', () => done(), { once: true }))",
    );
    await refresh(page);
    await attempt;
    expect(asked).toEqual([]);
    await page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))");
    await until("the page to ask again", () => (asked.length > 0 ? true : undefined));
    await sandbox.close();
    await page.getByText("The sandbox doesn't answer.").waitFor();
  });
});

describe("changes asked for by a website", () => {
  const elsewhere = "https://example.com";

  it.each([
    ["another site", { "sec-fetch-site": "cross-site", origin: elsewhere }],
    ["another port of this machine", { "sec-fetch-site": "same-site", origin: "http://127.0.0.1:1" }],
    ["an old browser on another site", { origin: elsewhere }],
    ["a page without an origin", { origin: "null" }],
  ])("are refused when they come from %s", async (_who, headers) => {
    await withSandbox(
      async ({ sandbox, stripe }) => {
        const { id } = await stripe.paymentIntents.create(debitPayment());
        for (const path of [
          `/_sandbox/page/objects/${id}/fail`,
          "/_sandbox/page/clock/halt",
          "/_sandbox/faults",
          "/v1/customers",
        ]) {
          const response = await fetch(`${sandbox.url}${path}`, { method: "POST", headers, body: "{}" });
          expect(response.status).toBe(403);
          expect(await response.json()).toMatchObject({
            error: { message: expect.stringContaining("not from other websites") },
          });
        }
        expect((await control(sandbox, "GET", "/clock")).body).toMatchObject({ mode: "real" });
      },
      { settlementDelayMs: NEVER_MS },
    );
  });

  it("are taken from the sandbox's own pages and from API clients", async () => {
    await withSandbox(async ({ sandbox }) => {
      const own = { "sec-fetch-site": "same-origin", origin: sandbox.url };
      const halt = `${sandbox.url}/_sandbox/page/clock/halt`;
      expect((await fetch(halt, { method: "POST", headers: own })).status).toBe(200);
      expect((await fetch(halt, { method: "POST", headers: { origin: sandbox.url } })).status).toBe(200);
      expect((await fetch(halt, { method: "POST" })).status).toBe(200);
      expect((await clientOf(sandbox).customers.create({})).object).toBe("customer");
    });
  });
});
