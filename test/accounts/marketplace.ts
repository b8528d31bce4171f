/** A platform at the sandbox: its Connect endpoint and its client id, and what the owners of accounts do in their browsers. */
import type { Scene } from "../scene/scene.ts";
import { webhookSecret } from "../scene/scene.ts";

/** The sandbox's own platform. */
export const clientId = "ca_sandbox_platform";
export const connectRedirectUri = "http://127.0.0.1:1/connect/callback";

type Settings = NonNullable<Parameters<Scene["restartService"]>[0]>;

/** Has the scene hear of its connected accounts. @returns the settings that its service runs with from now on */
export async function openPlatform(scene: Scene, more: Settings = {}): Promise<Settings> {
  const { secret = "" } = await scene.stripe.webhookEndpoints.create({
    url: `${scene.ingress}/payments/processWebhook`,
    enabled_events: ["*"],
    connect: true,
  });
  const settings = { webhookSecrets: [webhookSecret, secret], clientId, connectRedirectUri, ...more };
  await scene.restartService(settings);
  return settings;
}

/** An account that can be charged for. */
export async function onboarded(scene: Scene, dashboard: "full" | "express" | "none" = "full"): Promise<string> {
  const { body } = await scene.call("accounts/createAccount", { dashboard });
  const accountId = String(body["accountId"]);
  await scene.connected("onboard", { account: accountId, outcome: "done" });
  return accountId;
}

/** The owner's consent on Stripe's page. @returns what Stripe's redirect brings */
export async function consent(url: string, decision: "connect" | "deny" = "connect"): Promise<URLSearchParams> {
  const answer = await fetch(url, {
    method: "POST",
    redirect: "manual",
    headers: { "content-type": "application/x-www-form-urlencoded", origin: new URL(url).origin },
    body: new URLSearchParams({ decision, account: "new", email: "jenny@example.com", state: "done" }),
  });
  const location = answer.headers.get("location");
  if (location === null) throw new Error(`The page answered ${answer.status}: ${(await answer.text()).slice(0, 400)}`);
  return new URL(location).searchParams;
}
