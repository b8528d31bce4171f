/** The page where a customer authorizes a payment, in a real browser. */
import { afterAll, describe, expect, it } from "vitest";
import { cardPayment, withSandbox } from "../surroundings.ts";
import { closeBrowser, hasBrowser, openPage } from "./browser.ts";

afterAll(closeBrowser);

describe.skipIf(!hasBrowser)("the authorization page", () => {
  it.each([
    ["Authorize test payment", "succeeded"],
    ["Fail test payment", "requires_payment_method"],
  ])("%s ends the payment as %s", async (button, status) => {
    await withSandbox(async ({ stripe }) => {
      const waiting = await stripe.paymentIntents.create(cardPayment("pm_card_threeDSecure2Required"));
      const page = await openPage();
      await page.goto(String(waiting.next_action?.use_stripe_sdk?.["stripe_js"]));
      expect(await page.getByRole("note").textContent()).toContain("SANDBOX");
      await page.getByRole("button", { name: button }).click();
      await page.getByText("You can close this page.").waitFor();
      expect((await stripe.paymentIntents.retrieve(waiting.id)).status).toBe(status);
    });
  });
});
