/** Checkout's page and what it leads to, used by a person in a real browser. */
import type { Page } from "playwright-core";
import type { Stripe } from "stripe";
import { afterAll, describe, expect, it } from "vitest";
import { eventTypes, until, withSandbox } from "../surroundings.ts";
import { closeBrowser, hasBrowser, openPage } from "./browser.ts";

afterAll(closeBrowser);

const SHOP = "https://shop.test";

const order = {
  mode: "payment",
  line_items: [{ price_data: { currency: "eur", unit_amount: 1500, product_data: { name: "Book" } }, quantity: 2 }],
  success_url: `${SHOP}/done?session={CHECKOUT_SESSION_ID}`,
  cancel_url: `${SHOP}/cart`,
} satisfies Stripe.Checkout.SessionCreateParams;

const usd = [{ price_data: { currency: "usd", unit_amount: 1500, product_data: { name: "Book" } }, quantity: 2 }];

/** A page on which the shop, which isn't there, answers too. */
async function openShopper(options: { readonly isPhone?: boolean } = {}): Promise<Page> {
  const page = await openPage(options);
  await page.route(`${SHOP}/**`, (route) => route.fulfill({ contentType: "text/html", body: "<h1>The shop</h1>" }));
  return page;
}

const CARD = { Email: "jo@example.com", "Card number": "4242 4242 4242 4242", "Expiry date": "12 / 34" };
const DETAILS = { "Security code (CVC)": "123", "Name on card": "Jo Doe" };

async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
}

async function pay(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Pay / }).click();
}

async function heading(page: Page, name: string | RegExp): Promise<void> {
  await page.getByRole("heading", { name }).waitFor();
}

async function isSandbox(page: Page): Promise<boolean> {
  return ((await page.getByRole("note").textContent()) ?? "").includes("SANDBOX");
}

describe.skipIf(!hasBrowser)("Checkout's page", () => {
  it("takes a card by keyboard alone, and sends the buyer to the shop", async () => {
    await withSandbox(async ({ stripe }) => {
      const session = await stripe.checkout.sessions.create(order);
      const page = await openShopper();
      await page.goto(session.url ?? "");
      expect(await isSandbox(page)).toBe(true);
      await page.getByLabel("Email").focus();
      for (const text of ["jo@example.com", " ", "4242424242424242", "1234", "123", "Jo Doe"]) {
        await page.keyboard.type(text);
        await page.keyboard.press("Tab");
      }
      await page.getByLabel("Name on card").press("Enter");
      await page.waitForURL(`${SHOP}/done?session=${session.id}`);
      expect(await stripe.checkout.sessions.retrieve(session.id, { expand: ["payment_intent"] })).toMatchObject({
        status: "complete",
        payment_status: "paid",
        customer_details: { email: "jo@example.com", name: "Jo Doe" },
        payment_intent: { status: "succeeded", amount: 3000 },
      });
    });
  });

  it("names the brand while the number is typed, and what is wrong with a field as soon as it is left", async () => {
    await withSandbox(async ({ stripe }) => {
      const { url } = await stripe.checkout.sessions.create(order);
      const page = await openShopper();
      await page.goto(url ?? "");
      const number = page.getByLabel("Card number");
      await number.pressSequentially("42");
      await page.getByText("Visa", { exact: true }).waitFor();
      await number.fill("5555 5555");
      await page.getByText("Mastercard", { exact: true }).waitFor();
      await number.fill("4242 4242 4242 4241");
      await page.getByText("Your card number is invalid.").waitFor();
      await page.getByLabel("Expiry date").fill("01 / 20");
      await page.getByText("Your card has expired.").waitFor();
      await page.getByLabel("Security code").fill("12");
      await page.getByText("The security code has 3 digits.").waitFor();
      expect((await stripe.paymentIntents.list()).data).toEqual([]);
    });
  });

  it.each([
    ["Email", "nobody", "Enter an email address like name@example.com."],
    ["Email", "", "Fill in: Email."],
    ["Card number", "4242 4242 4242 4241", "Your card number is invalid."],
    ["Card number", "4242", "Your card number is incomplete."],
    ["Card number", "4111 1111 1111 1111", "used a non test card"],
    ["Expiry date", "13 / 34", "Enter the expiry date as MM / YY."],
    ["Expiry date", "01 / 20", "Your card has expired."],
    ["Security code (CVC)", "1234", "The security code has 3 digits."],
    ["Name on card", " ", "Fill in: Name on card."],
  ])("refuses the field '%s' with '%s', keeps the rest, and charges nothing", async (label, value, reason) => {
    await withSandbox(async ({ stripe }) => {
      const { url } = await stripe.checkout.sessions.create(order);
      const page = await openShopper();
      await page.goto(url ?? "");
      await fill(page, { ...CARD, ...DETAILS, [label]: value });
      await pay(page);
      const alert = page.getByRole("alert");
      await alert.waitFor();
      expect(await alert.textContent()).toContain(reason);
      // A screen reader reads what has the focus.
      await page.locator("[role=alert]:focus").waitFor();
      expect(await page.getByLabel("Email").inputValue()).toBe(label === "Email" ? value : "jo@example.com");
      expect(await page.getByLabel("Security code").inputValue()).toBe("");
      expect((await stripe.paymentIntents.list()).data).toEqual([]);
    });
  });

  it.each([
    ["4000000000000002", "Your card was declined."],
    ["4000000000009995", "Your card has insufficient funds."],
  ])("shows why %s is declined, and takes another card for the same payment", async (number, reason) => {
    await withSandbox(async ({ stripe }) => {
      const { id, url } = await stripe.checkout.sessions.create(order);
      const page = await openShopper();
      await page.goto(url ?? "");
      await fill(page, { ...CARD, ...DETAILS, "Card number": number });
      await pay(page);
      await page.getByRole("alert").getByText(reason).waitFor();
      await fill(page, { ...CARD, ...DETAILS });
      await pay(page);
      await heading(page, "The shop");
      expect((await stripe.paymentIntents.list()).data).toMatchObject([{ status: "succeeded" }]);
      expect((await stripe.checkout.sessions.retrieve(id)).payment_status).toBe("paid");
    });
  });

  it.each(["4000002500003155", "4000000000003220"])("sends the holder of %s to authenticate", async (number) => {
    await withSandbox(async ({ stripe }) => {
      const { id, url } = await stripe.checkout.sessions.create(order);
      const page = await openShopper();
      await page.goto(url ?? "");
      await fill(page, { ...CARD, ...DETAILS, "Card number": number });
      await pay(page);
      expect(await isSandbox(page)).toBe(true);
      await page.getByRole("button", { name: "Fail test payment" }).click();
      await page.getByRole("alert").getByText("authenticate").waitFor();
      await fill(page, { ...CARD, ...DETAILS, "Card number": number });
      await pay(page);
      await page.getByRole("button", { name: "Authorize test payment" }).click();
      await heading(page, "The shop");
      expect(await stripe.checkout.sessions.retrieve(id)).toMatchObject({ status: "complete", payment_status: "paid" });
    });
  });

  it.each<[string, Readonly<Record<string, string>>, Partial<Stripe.Checkout.SessionCreateParams>, string]>([
    ["SEPA Direct Debit", { IBAN: "DE89 3704 0044 0532 0130 00" }, {}, "paid"],
    ["SEPA Direct Debit", { IBAN: "DE62370400440532013001" }, {}, "unpaid"],
    [
      "US bank account",
      { "Routing number": "110000000", "Account number": "000123456789" },
      { line_items: usd, allowed_payment_method_types: ["us_bank_account"] },
      "paid",
    ],
  ])("takes %s with %j and ends %s", async (way, fields, extra, paymentStatus) => {
    await withSandbox(async ({ stripe }) => {
      const { id, url } = await stripe.checkout.sessions.create({ ...order, ...extra });
      const page = await openShopper();
      await page.goto(url ?? "");
      await page.getByRole("radio", { name: way }).check();
      await page.getByLabel("Email").fill("jo@example.com");
      await page.locator("input:visible").and(page.getByLabel("Account holder")).fill("Jo Doe");
      await fill(page, fields);
      await pay(page);
      await heading(page, "The shop");
      const last = `checkout.session.async_payment_${paymentStatus === "paid" ? "succeeded" : "failed"}`;
      await until(last, async () => ((await eventTypes(stripe)).includes(last) ? true : undefined));
      const after = await stripe.checkout.sessions.retrieve(id);
      expect(after).toMatchObject({ status: "complete", payment_status: paymentStatus });
    });
  });

  it("refuses an account that is no test account, next to its field", async () => {
    await withSandbox(async ({ stripe }) => {
      const { url } = await stripe.checkout.sessions.create(order);
      const page = await openShopper();
      await page.goto(url ?? "");
      await page.getByRole("radio", { name: "SEPA" }).check();
      await page.getByLabel("Email").fill("jo@example.com");
      await page.locator("input:visible").and(page.getByLabel("Account holder")).fill("Jo Doe");
      await fill(page, { IBAN: "DE02120300000000202051" });
      await pay(page);
      await page.getByRole("alert").waitFor();
      expect(await page.getByLabel("IBAN").getAttribute("aria-invalid")).toBe("true");
    });
  });

  it("sends who pays by Klarna to its page and back", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id, url } = await stripe.checkout.sessions.create(order);
      const page = await openShopper();
      await page.goto(url ?? "");
      await page.getByLabel("Email").fill("jo@example.com");
      await page.getByRole("radio", { name: "Klarna" }).check();
      await pay(page);
      await page.getByRole("button", { name: "Authorize test payment" }).click();
      await page.waitForURL(`${SHOP}/done?session=${id}`);
      expect((await stripe.checkout.sessions.retrieve(id)).payment_status).toBe("paid");
    });
  });

  it("shows the instructions of a bank transfer, which may come in parts", async () => {
    await withSandbox(async ({ stripe }) => {
      const customer = await stripe.customers.create({ email: "jo@example.com" });
      const session = await stripe.checkout.sessions.create({
        ...order,
        customer: customer.id,
        allowed_payment_method_types: ["customer_balance"],
      });
      const page = await openShopper();
      await page.goto(session.url ?? "");
      expect(await page.getByLabel("Email").inputValue()).toBe("jo@example.com");
      await pay(page);
      await heading(page, "Transfer €30.00");
      expect(await isSandbox(page)).toBe(true);
      const amount = page.getByLabel("Amount to transfer");
      await amount.fill("ten");
      await page.getByRole("button", { name: /transfer it/ }).click();
      await page.getByRole("alert").getByText("Enter an amount in EUR").waitFor();
      await amount.fill("10");
      await page.getByRole("button", { name: /transfer it/ }).click();
      await heading(page, "Transfer €20.00");
      expect((await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe("unpaid");
      await page.getByRole("button", { name: /transfer it/ }).click();
      await heading(page, "Paid. You can close this page.");
      expect((await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe("paid");
    });
  });

  it.each([
    ["pay the voucher", "paid", "Paid. You can close this page."],
    ["Let it expire", "unpaid", "This payment has failed or expired."],
  ])("shows a Boleto, and '%s' leaves the order %s", async (button, paymentStatus, words) => {
    await withSandbox(async ({ stripe }) => {
      const brl = [{ price_data: { currency: "brl", unit_amount: 5000, product_data: { name: "Book" } }, quantity: 1 }];
      const { id, url } = await stripe.checkout.sessions.create({
        ...order,
        line_items: brl,
        allowed_payment_method_types: ["boleto"],
      });
      const page = await openShopper();
      await page.goto(url ?? "");
      await fill(page, { Email: "fill_never@example.com", "Full name": "Ana Doe", "CPF or CNPJ": "000.000.000-00" });
      await fill(page, { Address: "Rua 1", "Postal code": "01000-000", City: "São Paulo", State: "SP" });
      await pay(page);
      await page.getByText("Pay until").waitFor();
      expect(await isSandbox(page)).toBe(true);
      expect(await stripe.checkout.sessions.retrieve(id)).toMatchObject({
        status: "complete",
        payment_status: "unpaid",
      });
      await page.getByRole("button", { name: button }).click();
      await heading(page, words);
      expect((await stripe.checkout.sessions.retrieve(id)).payment_status).toBe(paymentStatus);
      // Not the last one for long: the balance is posted a moment later.
      expect(await eventTypes(stripe)).toContain(
        `checkout.session.async_payment_${paymentStatus === "paid" ? "succeeded" : "failed"}`,
      );
    });
  });

  it("says when it has expired, is paid already, or never was; and leads back to the cart while it is open", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const page = await openShopper();
      const expired = await stripe.checkout.sessions.create(order);
      await page.goto(expired.url ?? "");
      await page.getByRole("link", { name: "Back to the shop" }).click();
      await page.waitForURL(`${SHOP}/cart`);
      await page.goto(expired.url ?? "");
      await fill(page, { ...CARD, ...DETAILS });
      await stripe.checkout.sessions.expire(expired.id);
      await pay(page);
      await heading(page, "This page has expired");
      expect((await stripe.paymentIntents.list()).data).toEqual([]);

      const { url } = await stripe.checkout.sessions.create(order);
      await page.goto(url ?? "");
      await fill(page, { ...CARD, ...DETAILS });
      await pay(page);
      await heading(page, "The shop");
      await page.goto(url ?? "");
      await heading(page, "Already paid");
      expect(await isSandbox(page)).toBe(true);

      expect((await page.goto(`${sandbox.url}/_sandbox/checkout/cs_test_none`))?.status()).toBe(404);
      await heading(page, "There is no such page");
    });
  });

  it("shows names as text, whatever is in them, and fits on a phone", async () => {
    await withSandbox(async ({ stripe }) => {
      const name = "<script>document.title='broken'</script>, a very long name for a very small book indeed";
      const { url } = await stripe.checkout.sessions.create({
        ...order,
        line_items: [{ price_data: { currency: "eur", unit_amount: 1500, product_data: { name } }, quantity: 2 }],
      });
      const page = await openShopper({ isPhone: true });
      await page.goto(url ?? "");
      await page.getByText(name).waitFor();
      expect(await page.title()).toBe("Pay €30.00 · SANDBOX");
      await page.getByText("Test numbers").first().click();
      expect(
        await page.evaluate<number>("document.documentElement.scrollWidth - window.innerWidth"),
      ).toBeLessThanOrEqual(0);
    });
  });
});

async function createLink(stripe: Stripe, extra: Partial<Stripe.PaymentLinkCreateParams> = {}) {
  const product = await stripe.products.create({ name: "Book" });
  const price = await stripe.prices.create({ currency: "usd", unit_amount: 1500, product: product.id });
  return await stripe.paymentLinks.create({ line_items: [{ price: price.id, quantity: 2 }], ...extra });
}

describe.skipIf(!hasBrowser)("a Payment Link's page", () => {
  it("takes what its address prefills, and opens a Session for every visit", async () => {
    await withSandbox(async ({ stripe }) => {
      const link = await createLink(stripe, {
        after_completion: { type: "hosted_confirmation", hosted_confirmation: { custom_message: "See you <soon>" } },
        customer_creation: "always",
        metadata: { campaign: "autumn" },
        payment_intent_data: { description: "A book", metadata: { on: "payment" } },
      });
      const page = await openShopper();
      await page.goto(`${link.url}?prefilled_email=a%40example.com&client_reference_id=not%20one`);
      expect(await page.getByLabel("Email").inputValue()).toBe("a@example.com");
      await page.goto(`${link.url}?locked_prefilled_email=b%40example.com&client_reference_id=order-7`);
      expect(await page.getByLabel("Email").getAttribute("readonly")).toBe("");
      await fill(page, { ...DETAILS, "Card number": CARD["Card number"], "Expiry date": CARD["Expiry date"] });
      await pay(page);
      await heading(page, "Thank you for your payment");
      await page.getByText("See you <soon>").waitFor();
      const sessions = (await stripe.checkout.sessions.list({ payment_link: link.id, expand: ["data.payment_intent"] }))
        .data;
      expect(sessions).toMatchObject([
        {
          client_reference_id: "order-7",
          customer_details: { email: "b@example.com" },
          metadata: { campaign: "autumn" },
          payment_intent: { description: "A book", metadata: { on: "payment" }, amount: 3000 },
          status: "complete",
        },
        { client_reference_id: null, customer_email: null, status: "open" },
      ]);
      const customers = (await stripe.customers.list({ email: "b@example.com" })).data;
      expect(customers).toMatchObject([{ id: sessions[0]?.customer, name: "Jo Doe" }]);
    });
  });

  it("is closed when it is switched off or sold out, and then says what the merchant says", async () => {
    await withSandbox(async ({ stripe }) => {
      const link = await createLink(stripe, {
        after_completion: { type: "redirect", redirect: { url: `${SHOP}/thanks?s={CHECKOUT_SESSION_ID}` } },
        inactive_message: "All books are gone.",
        restrictions: { completed_sessions: { limit: 1 } },
      });
      const page = await openShopper({ isPhone: true });
      await page.goto(link.url);
      await fill(page, { ...CARD, ...DETAILS });
      await pay(page);
      await page.waitForURL(/shop\.test\/thanks\?s=cs_test_/);
      expect((await stripe.paymentLinks.retrieve(link.id)).restrictions?.completed_sessions.count).toBe(1);
      await page.goto(link.url);
      await page.getByText("All books are gone.").waitFor();
      const other = await createLink(stripe);
      await stripe.paymentLinks.update(other.id, { active: false });
      await page.goto(other.url);
      await page.getByText("This link is no longer active.").waitFor();
    });
  });
});
