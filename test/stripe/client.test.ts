import { expect, it } from "vitest";
import { loadAppConfig } from "../../src/config/config.ts";
import { checkAccount } from "../../src/stripe/account.ts";
import { createStripeClient } from "../../src/stripe/client.ts";
import { inspectStripe } from "../../src/stripe/inspection.ts";
import { probePermissions } from "../../src/stripe/permissions.ts";
import { cannedStripeAt } from "../merchants/cannedStripe.ts";

const addresses: readonly ("127.0.0.1" | "::1")[] = ["127.0.0.1", "::1"];

it.each(addresses)("asks an API at %s: payments, the start's look at the account, the doctor", async (host) => {
  const { url, sent } = await cannedStripeAt(host, { body: { id: "acct_1", object: "account", data: [] } });
  const { stripe: target } = loadAppConfig({
    STRIPE_SECRET_KEY: "sk_test_canned",
    STRIPE_WEBHOOK_SECRET: "whsec_canned",
    STRIPE_API_BASE: url,
  });
  expect(target.apiBase).toBe(url);
  await createStripeClient(target).paymentIntents.retrieve("pi_1");
  expect(await checkAccount(target)).toMatchObject({ kind: "ok", accountId: "acct_1" });
  expect(await inspectStripe(target).account()).toMatchObject({ kind: "answered" });
  expect(await inspectStripe(target).endpoints()).toMatchObject({ kind: "answered" });
  const permissions = await probePermissions(target);
  expect(new Set(permissions.map(({ answer }) => answer))).toEqual(new Set(["granted"]));
  expect(new Set(sent.map(({ headers }) => headers["host"]))).toEqual(new Set([new URL(url).host]));
});
