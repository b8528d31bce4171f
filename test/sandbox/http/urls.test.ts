/** The addresses that a merchant gives: where a buyer is sent, and what a page of the sandbox links to. */
import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { errorOf, type Surroundings, withSandbox } from "../surroundings.ts";

const line_items = [
  { price_data: { currency: "eur", unit_amount: 1500, product_data: { name: "Book" } }, quantity: 1 },
];
const card = { payment_method: "pm_card_threeDSecure2Required", confirm: true, allowed_payment_method_types: ["card"] };

type Send = (stripe: Stripe, url: string) => Promise<unknown>;

const session =
  (name: "success_url" | "cancel_url"): Send =>
  async (stripe, url) => {
    const urls = { success_url: "https://shop.test/done", [name]: url };
    return await stripe.checkout.sessions.create({ mode: "payment", line_items, ...urls });
  };

/** Every parameter in which the API takes the address of a page. */
const takers: readonly (readonly [param: string, send: Send])[] = [
  ["success_url", session("success_url")],
  ["cancel_url", session("cancel_url")],
  [
    "return_url",
    async (stripe, return_url) =>
      await stripe.checkout.sessions.create({ mode: "payment", line_items, ui_mode: "embedded_page", return_url }),
  ],
  [
    "return_url",
    async (stripe, return_url) =>
      await stripe.paymentIntents.create({ amount: 1099, currency: "usd", ...card, return_url }),
  ],
  ["return_url", async (stripe, return_url) => await stripe.setupIntents.create({ ...card, return_url })],
  [
    "after_completion[redirect][url]",
    async (stripe, url) => {
      const { id: price } = await stripe.prices.create({
        currency: "eur",
        unit_amount: 500,
        product_data: { name: "Pen" },
      });
      const after_completion = { type: "redirect", redirect: { url } } as const;
      return await stripe.paymentLinks.create({ line_items: [{ price, quantity: 1 }], after_completion });
    },
  ],
  ["url", async (stripe, url) => await stripe.products.create({ name: "Book", url })],
];

describe("an address of the merchant's", () => {
  it.each(takers)("in %s is refused where a browser would run it or read a file", async (param, send) => {
    await withSandbox(async ({ stripe }) => {
      for (const url of [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "/done",
        "shop",
      ]) {
        const { statusCode, code, param: refused } = await errorOf(send(stripe, url));
        expect({ url, statusCode, code, refused }).toEqual({
          url,
          statusCode: 400,
          code: "url_invalid",
          refused: param,
        });
      }
    });
  });

  it.each(takers)("in %s may have an app's own scheme, and any letters", async (_param, send) => {
    await withSandbox(async ({ stripe }) => {
      for (const url of ["myshop://stripe-redirect", "https://bücher.test/käse?größe=ü#schluß"])
        expect(await send(stripe, url)).toMatchObject({ id: expect.any(String) as string });
    });
  });

  it.each([
    [
      "https://shop.test/fertig-für-dich?s={CHECKOUT_SESSION_ID}&x=%20ä",
      "https://shop.test/fertig-f%C3%BCr-dich?s=ID&x=%20%C3%A4",
    ],
    ["https://bücher.test/", "https://xn--bcher-kva.test/"],
    ["https://shop.test/\u{1f4da}", "https://shop.test/%F0%9F%93%9A"],
    ["myshop://käse", "myshop://k%C3%A4se"],
    ["https://shop.test/?a={CHECKOUT_SESSION_ID}", "https://shop.test/?a=ID"],
  ])("sends a buyer who has paid to %s, encoded as browsers do", async (success_url, expected) => {
    await withSandbox(async (around) => {
      const { id } = await around.stripe.checkout.sessions.create({ mode: "payment", line_items, success_url });
      const { status, headers } = await payOnPage(around, id);
      expect([status, headers.get("location")]).toEqual([303, expected.replace("ID", id)]);
    });
  });
});

async function payOnPage({ sandbox }: Surroundings, id: string): Promise<Response> {
  const fields = {
    email: "jo@example.com",
    method: "card",
    number: "4242424242424242",
    expiry: "12/34",
    cvc: "123",
    card_name: "Jo Doe",
  };
  const body = new URLSearchParams(fields);
  return await fetch(`${sandbox.url}/_sandbox/checkout/${id}`, { method: "POST", body, redirect: "manual" });
}
