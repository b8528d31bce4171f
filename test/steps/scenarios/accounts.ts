/** Connected accounts: made once, awaited until they can be charged for, connected by their owners, and left by them. */
import { expect } from "vitest";
import { consent } from "../../accounts/marketplace.ts";
import type { Answer } from "../../scene/scene.ts";
import { orNoAnswer } from "../patience.ts";
import { impatient, type Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

const create = /^\/v1\/accounts$/;

async function newAccount(stage: Stage, dashboard: "full" | "express" = "express"): Promise<string> {
  const answer = await stage.call("accounts/createAccount", { dashboard, metadata: { orderId: stage.order } });
  expect(answer.status).toBe(200);
  return String(answer.body["accountId"]);
}

/** Every account that this trial made. */
async function accountsOf(stage: Stage): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { id, metadata } of stage.stripe.accounts.list({ limit: 100 })) {
    if (metadata?.["orderId"] === stage.order) found.push(id);
  }
  return found;
}

async function metadataOf(stage: Stage, accountId: string) {
  const { metadata = null } = await stage.stripe.accounts.retrieve(accountId);
  return { metadata };
}

/** The addresses of doorbells that hang on an account. */
async function doorbellsOf(stage: Stage, accountId: string): Promise<readonly string[]> {
  const { metadata } = await metadataOf(stage, accountId);
  return Object.entries(metadata ?? {}).flatMap(([key, address]) =>
    key.startsWith("restate_callback_id") ? [address] : [],
  );
}

/** Who waits for an account, whose doorbell hangs. */
async function awaited(stage: Stage, accountId: string, more: { readonly key?: string } = {}) {
  const waiting = stage.call("accounts/awaitOnboarding", { accountId }, more.key);
  await stage.hung(1, () => metadataOf(stage, accountId));
  return { waiting };
}

/** Stripe's redirect after its owner has consented on the page that a call made an address of. */
async function consented(stage: Stage): Promise<{ readonly code: string; readonly state: string }> {
  const begun = await stage.call("accounts/createConnectUrl", { returnUrl: returnUrlOf(stage) });
  expect(begun.status).toBe(200);
  const url = String(begun.body["url"]);
  const back = await stage.until("the page to answer", () => orNoAnswer(() => consent(url)));
  return { code: back.get("code") ?? "", state: back.get("state") ?? "" };
}

function returnUrlOf({ order }: Stage): string {
  return `https://shop.example/connected?of=${order}`;
}

/** An account that its owner connected. A code whose exchange got no answer may be used up: then the owner begins again. */
async function connected(stage: Stage): Promise<Answer> {
  const request = await consented(stage);
  const first = await stage.call("accounts/completeConnect", request);
  const again = await stage.call("accounts/completeConnect", request);
  expect(again).toMatchObject({ status: 400, body: { metadata: { reason: "invalid_request", param: "state" } } });
  if (first.status === 200 || !stage.mayDie) return first;
  expect(first).toMatchObject({ status: 400, body: { metadata: { param: "code" } } });
  return await stage.call("accounts/completeConnect", await consented(stage));
}

export const accounts: readonly Scenario[] = [
  {
    name: "an account is made, and read",
    async play(stage) {
      const accountId = await newAccount(stage);
      const read = await stage.call("accounts/getAccount", { accountId });
      return async () => {
        expect(read).toMatchObject({ status: 200, body: { accountId, chargesEnabled: false } });
        expect(await accountsOf(stage)).toEqual([accountId]);
      };
    },
  },
  {
    name: "an account is made through the edge",
    edge: "time",
    async play(stage) {
      const accountId = await newAccount(stage);
      return async () => {
        expect(await accountsOf(stage)).toEqual([accountId]);
      };
    },
  },
  {
    name: "the answer to a new account is lost, and found in the list",
    async play(stage) {
      stage.faultOn("POST", create, "error_500_saved_after");
      const accountId = await newAccount(stage);
      return async () => {
        expect(await accountsOf(stage)).toEqual([accountId]);
      };
    },
  },
  {
    name: "an account's owner is led to the onboarding, and goes through it in two visits",
    async play(stage) {
      const accountId = await newAccount(stage);
      const pages = { returnUrl: "https://shop.example/back", refreshUrl: "https://shop.example/again" };
      const link = await stage.call("accounts/createOnboardingLink", { accountId, ...pages });
      const { waiting } = await awaited(stage, accountId);
      const [first] = await doorbellsOf(stage, accountId);
      await stage.onboard(accountId, "more_due");
      await stage.deliver("account.updated", accountId, accountId);
      await stage.until("a new doorbell", async () => {
        const [latest] = await doorbellsOf(stage, accountId);
        return latest === undefined || latest === first ? undefined : true;
      });
      await stage.onboard(accountId);
      await stage.deliver("account.updated", accountId, accountId);
      const answer = await waiting;
      return async () => {
        expect(link).toMatchObject({ status: 200, body: { url: expect.stringMatching(/^http/) as string } });
        expect(answer).toMatchObject({ status: 200, body: { accountId, chargesEnabled: true, requirementsDue: [] } });
        expect(await doorbellsOf(stage, accountId)).toEqual([]);
      };
    },
  },
  {
    name: "an account that is awaited is rejected",
    async play(stage) {
      const accountId = await newAccount(stage);
      const { waiting } = await awaited(stage, accountId);
      await stage.onboard(accountId, "rejected");
      await stage.deliver("account.updated", accountId, accountId);
      const answer = await waiting;
      return async () => {
        expect(answer).toMatchObject({ status: 409, body: { metadata: { reason: "rejected", accountId } } });
        expect(await doorbellsOf(stage, accountId)).toEqual([]);
      };
    },
  },
  {
    name: "the wait for an account is cancelled",
    async play(stage) {
      const accountId = await newAccount(stage);
      const key = `${stage.order}-wait`;
      const { waiting } = await awaited(stage, accountId, { key });
      await stage.cancel(await stage.invocationOf(key));
      const answer = await waiting;
      return async () => {
        expect(answer).toMatchObject({
          status: 409,
          body: { metadata: { reason: "canceled", accountId, compensation: "none" } },
        });
        expect(await doorbellsOf(stage, accountId)).toEqual([]);
        expect(await accountsOf(stage)).toEqual([accountId]);
      };
    },
  },
  {
    name: "the wait for an account comes to its deadline",
    async play(stage) {
      const accountId = await newAccount(stage);
      const answer = await stage.call("accounts/awaitOnboarding", { accountId, timeoutSeconds: 3 });
      return async () => {
        expect(answer).toMatchObject({
          status: 408,
          body: { metadata: { reason: "timed_out", accountId, compensation: "none" } },
        });
        expect(await accountsOf(stage)).toEqual([accountId]);
      };
    },
  },
  {
    name: "an account that is awaited leaves, and only polling finds out",
    profile: impatient,
    async play(stage) {
      const accountId = await newAccount(stage, "full");
      const { waiting } = await awaited(stage, accountId);
      await stage.leave(accountId);
      const answer = await waiting;
      return () => {
        expect(answer).toMatchObject({ status: 409, body: { metadata: { reason: "deauthorized", accountId } } });
      };
    },
  },
  {
    name: "an account is connected by its owner, and disconnected",
    async play(stage) {
      const answer = await connected(stage);
      const accountId = String(answer.body["accountId"]);
      const disconnected = await stage.call("accounts/disconnectAccount", { accountId });
      const read = await stage.call("accounts/getAccount", { accountId });
      return () => {
        expect(answer).toMatchObject({ status: 200, body: { chargesEnabled: true, returnUrl: returnUrlOf(stage) } });
        expect(disconnected).toMatchObject({ status: 200, body: { accountId, status: "disconnected" } });
        expect(read).toMatchObject({ status: 404, body: { metadata: { reason: "not_found", accountId } } });
      };
    },
  },
  {
    name: "the answer to a disconnection is lost",
    async play(stage) {
      const accountId = await newAccount(stage, "full");
      stage.faultOn("POST", /^\/oauth\/deauthorize$/, "cut_after");
      const disconnected = await stage.call("accounts/disconnectAccount", { accountId });
      return async () => {
        expect(disconnected).toMatchObject({ status: 200, body: { accountId, status: "disconnected" } });
        expect(await accountsOf(stage)).toEqual([]);
      };
    },
  },
  {
    name: "an owner consents after the state has been forgotten",
    async play(stage) {
      const request = await consented(stage);
      const key = await stage.until(
        "the state to be kept",
        async () => await stage.keyWith("connectState", stage.order),
      );
      await stage.callInTime("connectState", key, "forget");
      const answer = await stage.call("accounts/completeConnect", request);
      return async () => {
        expect(answer).toMatchObject({
          status: 400,
          body: { metadata: { reason: "invalid_request", param: "state" } },
        });
        expect(await stage.entriesOf(key)).toBe(0);
      };
    },
  },
];
