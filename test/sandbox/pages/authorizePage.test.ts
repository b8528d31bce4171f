/** The page where a customer authorizes a payment, in a real browser. */
import { afterAll, describe, expect, it } from "vitest";
import { cardPayment, withSandbox } from "../surroundings.ts";
import { closeBrowser, hasBrowser, openPage } from "./browser.ts";

afterAll(closeBrowser);

describe.skipIf(!hasBrowser)("the authorization page", () => {
  it.each([
    ["Authorize test payment", "succeeded", "Paid."],
    ["Fail test payment", "requires_payment_method", "This payment has failed"],
  ])("%s ends the payment as %s", async (button, status, words) => {
    await withSandbox(async ({ stripe }) => {
      const waiting = await stripe.paymentIntents.create(cardPayment("pm_card_threeDSecure2Required"));
      const page = await openPage();
      await page.goto(String(waiting.next_action?.use_stripe_sdk?.["stripe_js"]));
      expect(await page.getByRole("note").textContent()).toContain("SANDBOX");
      await page.getByRole("button", { name: button }).click();
      await page.getByRole("heading", { name: words }).waitFor();
      expect((await stripe.paymentIntents.retrieve(waiting.id)).status).toBe(status);
      await page.reload();
      await page.getByRole("heading", { name: words }).waitFor();
    });
  });

  it("sends the customer back with the result, also of a SetupIntent", async () => {
    await withSandbox(async ({ stripe }) => {
      const page = await openPage();
      await page.route("https://shop.test/**", (route) => route.fulfill({ body: "The shop" }));
      const return_url = "https://shop.test/back?order=7";
      const waiting = await stripe.setupIntents.create({
        allowed_payment_method_types: ["card"],
        confirm: true,
        payment_method: "pm_card_authenticationRequired",
        return_url,
      });
      await page.goto(waiting.next_action?.redirect_to_url?.url ?? "");
      await page.getByRole("heading", { name: "Save this payment method?" }).waitFor();
      await page.getByRole("button", { name: "Authorize test payment" }).click();
      await page.waitForURL(
        `${return_url}&setup_intent=${waiting.id}&setup_intent_client_secret=${waiting.client_secret}&redirect_status=succeeded`,
      );
      const payment = { ...cardPayment("pm_card_threeDSecure2Required"), return_url };
      const canceled = await stripe.paymentIntents.create(payment);
      await stripe.paymentIntents.cancel(canceled.id);
      await page.goto(canceled.next_action?.redirect_to_url?.url ?? "");
      await page.getByRole("heading", { name: "cancelled by the shop" }).waitFor();
      expect(await page.getByRole("button").count()).toBe(0);
    });
  });
});
