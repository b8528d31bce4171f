/** Account Links, and the page that they lead to: over HTTP, and in a real browser. */
import type { Stripe } from "stripe";
import { afterAll, describe, expect, it } from "vitest";
import { connectedAccount, control, errorOf, type Surroundings, withSandbox } from "../surroundings.ts";
import { closeBrowser, hasBrowser, openPage } from "./browser.ts";

afterAll(closeBrowser);

const urls = { return_url: "https://shop.test/back?seller=7", refresh_url: "https://shop.test/again" };

async function newLink(
  { stripe }: Surroundings,
  account: string,
  return_url: string = urls.return_url,
): Promise<Stripe.AccountLink> {
  return await stripe.accountLinks.create({ account, type: "account_onboarding", ...urls, return_url });
}

/** A page that the browser can really load stands for the platform's. */
function platformPage({ sandbox }: Surroundings): string {
  return `${sandbox.url}/_sandbox/health?seller=7`;
}

/** Where an address leads; its status if it leads nowhere. */
async function visit(url: string, options: RequestInit = {}): Promise<string | number> {
  const { status, headers } = await fetch(url, { redirect: "manual", ...options });
  return status === 303 ? (headers.get("location") ?? "") : status;
}

async function choose(page: string, outcome: string): Promise<string | number> {
  return await visit(page, { method: "POST", body: new URLSearchParams({ outcome }) });
}

describe("an Account Link", () => {
  it("is good for one visit, whose page may be loaded again, and for one choice", async () => {
    await withSandbox(async (around) => {
      const { sandbox, stripe } = around;
      const { id } = await stripe.accounts.create({ type: "express" });
      const link = await newLink(around, id);
      expect(link).toMatchObject({ object: "account_link", expires_at: link.created + 300 });
      expect(await visit(link.url, { method: "HEAD" })).toBe(urls.refresh_url);
      const page = `${sandbox.url}${await visit(link.url)}`;
      expect(await visit(link.url)).toBe(urls.refresh_url);
      expect([await visit(page), await visit(page), await choose(page, "well")]).toEqual([200, 200, 400]);
      expect((await stripe.accounts.retrieve(id)).details_submitted).toBe(false);
      expect(await choose(page, "done")).toBe(urls.return_url);
      expect((await stripe.accounts.retrieve(id)).charges_enabled).toBe(true);
      expect([await visit(page), await choose(page, "rejected")]).toEqual([410, 410]);
      expect((await stripe.accounts.retrieve(id)).charges_enabled).toBe(true);
    });
  });

  it("expires after five minutes, and leads nowhere once the account has left", async () => {
    await withSandbox(async (around) => {
      const { sandbox, stripe } = around;
      const { id } = await stripe.accounts.create({ type: "express" });
      const links = [await newLink(around, id), await newLink(around, id), await newLink(around, id)];
      const open = `${sandbox.url}${await visit(links[0]?.url ?? "")}`;
      await control(sandbox, "POST", "/clock", { advanceMs: 299_000 });
      expect(await visit(links[1]?.url ?? "")).toMatch("/_sandbox/onboarding/");
      await control(sandbox, "POST", "/clock", { advanceMs: 1000 });
      expect(await visit(links[2]?.url ?? "")).toBe(urls.refresh_url);
      await stripe.accounts.del(id);
      expect([await visit(links[2]?.url ?? ""), await visit(open), await choose(open, "done")]).toEqual([
        404, 410, 410,
      ]);
    });
  });

  it.each<[what: string, params: object, error: object]>([
    ["an unknown account", { account: "acct_1Nowhere" }, { code: "resource_missing", param: "account" }],
    ["no return_url", { return_url: undefined }, { code: "parameter_missing", param: "return_url" }],
    ["no refresh_url", { refresh_url: undefined }, { code: "parameter_missing", param: "refresh_url" }],
    ["an app's own scheme", { return_url: "shop://back" }, { code: "url_invalid", param: "return_url" }],
    ["a script", { refresh_url: "javascript:alert(1)" }, { code: "url_invalid", param: "refresh_url" }],
    [
      "two ways of collecting",
      { collect: "eventually_due", collection_options: { fields: "currently_due" } },
      {
        code: "parameters_exclusive",
      },
    ],
    ["an unknown type", { type: "account_removal" }, { param: "type" }],
    ["an update where Stripe collects", { type: "account_update" }, { param: "type" }],
  ])("with %s is refused", async (_what, params, error) => {
    await withSandbox(async (around) => {
      const account = await connectedAccount(around, { type: "express" });
      const order = { account, type: "account_onboarding", ...urls, ...params } as Stripe.AccountLinkCreateParams;
      expect(await errorOf(around.stripe.accountLinks.create(order))).toMatchObject({ statusCode: 400, ...error });
    });
  });

  it("updates an account whose requirements the platform collects", async () => {
    await withSandbox(async (around) => {
      const account = await connectedAccount(around, { type: "custom" });
      const link = await around.stripe.accountLinks.create({ account, type: "account_update", ...urls });
      expect(await visit(link.url)).toMatch("/_sandbox/onboarding/");
    });
  });
});

describe.skipIf(!hasBrowser)("the onboarding page", () => {
  it.each([
    ["Give everything: ", { charges_enabled: true, details_submitted: true }],
    ["Give a document that can't be read", { charges_enabled: false, details_submitted: true }],
    ["Give everything, and let Stripe verify it", { charges_enabled: false, details_submitted: true }],
    ["Give what makes Stripe reject", { requirements: { disabled_reason: "rejected.other" } }],
    ["Leave without finishing", { charges_enabled: false, details_submitted: false }],
  ])("takes '%s…' and sends the owner back", async (choice, shown) => {
    await withSandbox(async (around) => {
      const { id } = await around.stripe.accounts.create({ type: "express", email: "ada@example.com" });
      const page = await openPage();
      await page.goto((await newLink(around, id, platformPage(around))).url);
      expect(await page.getByRole("note").textContent()).toContain("SANDBOX");
      await page.getByRole("heading", { name: "Set up your account" }).waitFor();
      expect(await page.getByText("ada@example.com").isVisible()).toBe(true);
      await page.getByRole("group", { name: "What comes of it" }).getByLabel(choice).check();
      await page.getByRole("button", { name: "Return to Sandbox platform" }).click();
      await page.waitForURL(platformPage(around));
      expect(await around.stripe.accounts.retrieve(id)).toMatchObject(shown);
    });
  });

  it("is used by the keyboard alone", async () => {
    await withSandbox(async (around) => {
      const { id } = await around.stripe.accounts.create({ type: "express" });
      const page = await openPage({ isPhone: true });
      await page.goto((await newLink(around, id, platformPage(around))).url);
      await page.keyboard.press("Tab");
      await page.keyboard.press("ArrowDown");
      expect(await page.getByLabel("Give a document that can't be read").isChecked()).toBe(true);
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.waitForURL(platformPage(around));
      expect((await around.stripe.accounts.retrieve(id)).requirements?.disabled_reason).toBe("requirements.past_due");
      await page.goto((await newLink(around, id, platformPage(around))).url);
      await page.getByRole("heading", { name: "Update your account" }).waitFor();
      expect(await page.getByText("individual.verification.document").isVisible()).toBe(true);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    });
  });
});
