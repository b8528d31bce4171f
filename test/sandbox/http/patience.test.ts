/** Long and odd input must not hold the sandbox up: everything in it runs in one thread. */
import { describe, expect, it } from "vitest";
import { readExpiry } from "../../../src/sandbox/pages/card.ts";
import { withSandbox } from "../surroundings.ts";

const MEGABYTE = 1_000_000;

/** Texts on which a pattern that goes back takes the square of their length, or twice as long for each character. */
const garbage: readonly (readonly [name: string, text: string])[] = [
  ["letters", "a".repeat(MEGABYTE)],
  ["digits", "4".repeat(MEGABYTE)],
  ["spaces", " ".repeat(MEGABYTE)],
  ["a digit, spaces and a letter", `1${" ".repeat(MEGABYTE)}x`],
  ["digits between spaces", "1 ".repeat(MEGABYTE / 2)],
  ["dashes", "-".repeat(MEGABYTE)],
  ["slashes", `1${"/".repeat(MEGABYTE)}`],
  ["backslashes", "\\".repeat(MEGABYTE)],
  ["quotes", `'"`.repeat(MEGABYTE / 2)],
  ["open brackets", "[".repeat(MEGABYTE)],
  ["nested brackets", `a${"[b]".repeat(MEGABYTE / 3)}`],
  ["equals signs", "=".repeat(MEGABYTE)],
  ["ampersands", "a=b&".repeat(MEGABYTE / 4)],
  ["percent signs", "%".repeat(MEGABYTE)],
  ["dots", ".".repeat(MEGABYTE)],
];

/** Much more than any of them takes on a busy machine, and much less than the square of a megabyte. */
const PATIENCE_MS = 5000;

async function timed(send: () => Promise<Response>): Promise<{ readonly ms: number; readonly status: number }> {
  const startMs = performance.now();
  const response = await send();
  await response.text();
  return { ms: performance.now() - startMs, status: response.status };
}

function form(fields: Readonly<Record<string, string>>): string {
  return new URLSearchParams(fields).toString();
}

describe("a megabyte of garbage", () => {
  it.each(garbage)(
    "of %s is answered soon, wherever it is sent",
    async (_name, text) => {
      await withSandbox(async ({ sandbox, stripe }) => {
        const session = await stripe.checkout.sessions.create({
          mode: "payment",
          line_items: [
            { price_data: { currency: "eur", unit_amount: 900, product_data: { name: "Pen" } }, quantity: 1 },
          ],
          success_url: "https://shop.test/done",
        });
        const headers = {
          authorization: "Bearer sk_test_garbage",
          "content-type": "application/x-www-form-urlencoded",
        };
        const post = async (path: string, body: string) =>
          await fetch(`${sandbox.url}${path}`, { method: "POST", body, headers });
        const page = `/_sandbox/checkout/${session.id}`;
        const card = { email: "a@b.test", method: "card", number: "4242424242424242", expiry: "12/34", cvc: "123" };
        const sent: Record<string, () => Promise<Response>> = {
          "the API's body": async () => await post("/v1/payment_intents", text),
          "the name of a parameter": async () => await post("/v1/payment_intents", `${text}=1`),
          "an amount": async () => await post("/v1/payment_intents", form({ amount: text, currency: "usd" })),
          "a currency": async () => await post("/v1/payment_intents", form({ amount: "100", currency: text })),
          "a metadata key": async () => await post("/v1/customers", form({ [`metadata[${text}]`]: "1" })),
          "a metadata value": async () => await post("/v1/customers", form({ "metadata[a]": text })),
          "an address": async () => await post("/v1/products", form({ name: "Pen", url: `https://shop.test/${text}` })),
          "a card's number": async () =>
            await post(
              "/v1/payment_methods",
              form({ type: "card", "card[number]": text, "card[exp_month]": "1", "card[exp_year]": "34" }),
            ),
          "a tax id": async () => await post("/v1/payment_methods", form({ type: "boleto", "boleto[tax_id]": text })),
          "an expansion": async () => await post("/v1/customers", form({ "expand[]": text })),
          "the control API": async () => await post("/_sandbox/clock", text),
          "a number of the control API": async () => await post("/_sandbox/clock", JSON.stringify({ to: text })),
          "a text of the control API": async () => await post("/_sandbox/settle", JSON.stringify({ id: text })),
          "a name of the control API": async () => await post("/_sandbox/faults", JSON.stringify({ [text]: 1 })),
          "the clock's form": async () =>
            await post("/_sandbox/page/clock/advance", form({ amount: text, unit: text })),
          "the faults' form": async () => await post("/_sandbox/page/faults", form({ target: text, effect: text })),
          "the page's number": async () => await post("/_sandbox/card/number", form({ number: text })),
          "the page's expiry": async () => await post("/_sandbox/card/expiry", form({ ...card, expiry: text })),
          "the page's security code": async () => await post("/_sandbox/card/cvc", form({ ...card, cvc: text })),
          "the page's form": async () =>
            await post(page, form({ ...card, number: text, expiry: text, cvc: text, email: text })),
          "an authorization": async () => await post("/_sandbox/authorize/pi_1", form({ outcome: text })),
        };
        const failed: string[] = [];
        for (const [place, send] of Object.entries(sent)) {
          const { ms, status } = await timed(send);
          if (ms > PATIENCE_MS || status >= 500) failed.push(`${place}: ${status} after ${Math.round(ms)} ms`);
        }
        expect(failed).toEqual([]);
      });
    },
    60_000,
  );

  it.each([
    ["backslashes", `metadata['${"\\".repeat(42)}`],
    ["backslashes in a value", `status:'${"\\".repeat(42)}x`],
    ["escaped quotes", `metadata['a']:'${"\\'".repeat(2000)}`],
    ["spaces", `status${" ".repeat(4900)}x`],
    ["clauses", "status:'a' AND ".repeat(300)],
    ["quotes", `metadata[${"'\"".repeat(2000)}`],
  ])("in a search of %s is refused soon", async (_name, query) => {
    await withSandbox(async ({ sandbox }) => {
      const address = `${sandbox.url}/v1/payment_intents/search?${new URLSearchParams({ query }).toString()}`;
      const { ms, status } = await timed(
        async () => await fetch(address, { headers: { authorization: "Bearer sk_test_garbage" } }),
      );
      expect(status).toBe(400);
      expect(ms).toBeLessThan(PATIENCE_MS);
    });
  });
});

describe("an expiry", () => {
  it.each([
    ["12/34", 12, 2034],
    [" 1 / 2034 ", 1, 2034],
    ["1234", 12, 2034],
    ["12-34", 12, 2034],
    ["1.34", 1, 2034],
    ["12 34", 12, 2034],
  ])("of %j is read", (text, month, year) => {
    expect(readExpiry(text)).toEqual({ month, year });
  });

  it.each(["", "13/34", "0/34", "1/2/34", "12//34", "12/345", "x12/34"])("of %j is none", (text) => {
    expect(readExpiry(text)).toBeNull();
  });
});
