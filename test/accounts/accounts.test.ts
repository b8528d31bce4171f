/** Connected accounts against the real engine and the sandbox: made once, onboarded, connected by OAuth, disconnected. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { modes, openScene, until, untilHung, type Scene } from "../scene/scene.ts";
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import { clientId, consent, onboarded, openPlatform } from "./marketplace.ts";

describe.each(modes)("accounts, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
    await openPlatform(scene);
  });
  afterAll(async () => {
    await scene.close();
  });
  beforeEach(async () => {
    await scene.clearFaults();
  });

  const create = (body: object = {}, key?: string) =>
    scene.call("accounts/createAccount", { dashboard: "express", ...body }, key);
  const newAccount = async () => String((await create()).body["accountId"]);
  const read = (accountId: string) => scene.stripe.accounts.retrieve(accountId);
  const countOf = async (email: string) => {
    const { data } = await scene.stripe.accounts.list({ limit: 100 });
    return data.filter((account) => account.email === email).length;
  };
  const hungOn = async (accountId: string) => ({ metadata: (await read(accountId)).metadata ?? null });
  const callbackKeysOf = async (accountId: string) =>
    Object.keys((await read(accountId)).metadata ?? {}).filter((key) => key.startsWith("restate_callback"));

  it("makes one account per key, also where the answer is lost for good", async () => {
    const email = `${crypto.randomUUID()}@shop.example`;
    const key = crypto.randomUUID();
    await scene.fault({
      target: "api",
      effect: "error_500_saved_after",
      method: "POST",
      path: "/v1/accounts",
      count: 1,
    });
    const first = await create({ email, metadata: { shop: "north" } }, key);
    expect(first).toMatchObject({ status: 200, body: { chargesEnabled: false, detailsSubmitted: false } });
    expect(first.body["requirementsDue"]).not.toEqual([]);
    expect(await create({ email }, key)).toEqual(first);
    expect(await countOf(email)).toBe(1);
    const { metadata, controller } = await read(String(first.body["accountId"]));
    expect(metadata).toMatchObject({ shop: "north" });
    expect(controller).toMatchObject({ stripe_dashboard: { type: "express" }, losses: { payments: "application" } });
  });

  it("reads an account, and knows none that is not connected", async () => {
    const accountId = await onboarded(scene);
    expect(await scene.call("accounts/getAccount", { accountId })).toMatchObject({
      status: 200,
      body: { accountId, chargesEnabled: true, payoutsEnabled: true, detailsSubmitted: true, disabledReason: null },
    });
    for (const handler of ["getAccount", "awaitOnboarding", "disconnectAccount"]) {
      expect(await scene.call(`accounts/${handler}`, { accountId: "acct_1Stranger" })).toMatchObject({
        status: 404,
        body: { metadata: { reason: "not_found", accountId: "acct_1Stranger" } },
      });
    }
  });

  it("makes a link to the onboarding, which stays in no journal", async () => {
    const accountId = await newAccount();
    const pages = { returnUrl: "http://127.0.0.1:1/back", refreshUrl: "http://127.0.0.1:1/again" };
    const key = crypto.randomUUID();
    const answer = await scene.call("accounts/createOnboardingLink", { accountId, ...pages }, key);
    expect(answer).toMatchObject({ status: 200, body: { url: expect.stringMatching(/^http/) as string } });
    expect(Date.parse(String(answer.body["expiresAt"]))).toBeGreaterThan(Date.now());
    expect((await fetch(String(answer.body["url"]))).status).toBe(200);
    const rows = await scene.sql("select id from sys_invocation where target_handler_name = 'createOnboardingLink'");
    expect(rows).toEqual([]);
  });

  it("awaits the onboarding through what is due, rung by a webhook, and takes its doorbell off", async () => {
    const accountId = await newAccount();
    const answer = scene.call("accounts/awaitOnboarding", { accountId });
    await untilHung(1, () => hungOn(accountId));
    const addresses = async () => {
      const { metadata } = await read(accountId);
      return (await callbackKeysOf(accountId)).map((name) => metadata?.[name]);
    };
    const [first] = await addresses();
    await scene.connected("onboard", { account: accountId, outcome: "more_due" });
    await until("another doorbell", async () => {
      const [latest] = await addresses();
      return latest !== undefined && latest !== first ? true : undefined;
    });
    await scene.connected("onboard", { account: accountId, outcome: "done" });
    expect(await answer).toMatchObject({
      status: 200,
      body: { accountId, chargesEnabled: true, detailsSubmitted: true, requirementsDue: [], settledBy: "webhook" },
    });
    expect(await callbackKeysOf(accountId)).toEqual([]);
    expect(await scene.call("accounts/awaitOnboarding", { accountId })).toMatchObject({ body: { settledBy: "poll" } });
  });

  it("ends the wait for an account that Stripe rejects", async () => {
    const accountId = await newAccount();
    const answer = scene.call("accounts/awaitOnboarding", { accountId });
    await untilHung(1, () => hungOn(accountId));
    await scene.connected("onboard", { account: accountId, outcome: "rejected" });
    const rejected = {
      status: 409,
      body: { metadata: { reason: "rejected", accountId, failureReason: "rejected.other" } },
    };
    expect(await answer).toMatchObject(rejected);
    expect(await scene.call("accounts/awaitOnboarding", { accountId })).toMatchObject(rejected);
  });

  it("leaves the account as it is at the deadline, and when the call is cancelled", async () => {
    const accountId = await newAccount();
    expect(await scene.call("accounts/awaitOnboarding", { accountId, timeoutSeconds: 1 })).toMatchObject({
      status: 408,
      body: { metadata: { reason: "timed_out", accountId, compensation: "none" } },
    });
    const key = crypto.randomUUID();
    const answer = scene.call("accounts/awaitOnboarding", { accountId }, key);
    await untilHung(1, () => hungOn(accountId));
    await scene.cancel(await scene.suspended(key));
    expect(await answer).toMatchObject({
      status: 409,
      body: { metadata: { reason: "canceled", compensation: "none" } },
    });
    expect(await callbackKeysOf(accountId)).toEqual([]);
  });

  it("ends the wait for an account that leaves, by the next poll", async () => {
    await openPlatform(scene, { pollScheduleMs: [300] });
    const accountId = String((await create({ dashboard: "full" })).body["accountId"]);
    const answer = scene.call("accounts/awaitOnboarding", { accountId });
    await untilHung(1, () => hungOn(accountId));
    await scene.connected("deauthorize", { account: accountId });
    expect(await answer).toMatchObject({ status: 409, body: { metadata: { reason: "deauthorized", accountId } } });
    await openPlatform(scene);
  });

  const begin = async () => {
    const { body } = await scene.call("accounts/createConnectUrl", {
      returnUrl: "https://shop.example/connected?account={ACCOUNT_ID}",
    });
    return String(body["url"]);
  };

  const complete = (body: object) => scene.call("accounts/completeConnect", body);

  describe("by OAuth", () => {
    it("connects an account once its owner consents, and disconnects it", async () => {
      const url = await begin();
      expect(url.startsWith(`${scene.sandboxUrl}/oauth/authorize?`)).toBe(true);
      const back = await consent(url);
      const request = { code: back.get("code"), state: back.get("state") };
      const key = crypto.randomUUID();
      const connected = await scene.call("accounts/completeConnect", request, key);
      const accountId = String(connected.body["accountId"]);
      expect(connected).toMatchObject({
        status: 200,
        body: { chargesEnabled: true, returnUrl: `https://shop.example/connected?account=${accountId}` },
      });
      // The page that is loaded again.
      expect(await scene.call("accounts/completeConnect", request, key)).toEqual(connected);
      expect(await scene.call("accounts/getAccount", { accountId })).toMatchObject({ status: 200 });

      const leaving = crypto.randomUUID();
      const disconnected = await scene.call("accounts/disconnectAccount", { accountId }, leaving);
      expect(disconnected).toMatchObject({ status: 200, body: { accountId, status: "disconnected" } });
      expect(await scene.call("accounts/disconnectAccount", { accountId }, leaving)).toEqual(disconnected);
      expect(await scene.call("accounts/disconnectAccount", { accountId })).toMatchObject({ status: 404 });
    });

    it("disconnects an account whose answer was lost", async () => {
      const back = await consent(await begin());
      const request = { code: back.get("code"), state: back.get("state") };
      const accountId = String((await scene.call("accounts/completeConnect", request)).body["accountId"]);
      await scene.fault({
        target: "api",
        effect: "cut_after",
        method: "POST",
        path: "/oauth/deauthorize",
        count: 1,
      });
      expect(await scene.call("accounts/disconnectAccount", { accountId })).toMatchObject({ status: 200 });
    });

    it("refuses a state that is forged, used, another merchant's, or whose code is wrong", async () => {
      const back = await consent(await begin());
      const code = back.get("code");
      const state = back.get("state");
      const refused = { status: 400, body: { metadata: { reason: "invalid_request", param: "state" } } };
      expect(await complete({ code, state: "A".repeat(43) })).toMatchObject(refused);
      expect(await complete({ code: "ac_forged", state })).toMatchObject({
        status: 400,
        body: { metadata: { reason: "invalid_request", param: "code" } },
      });
      expect(await complete({ code, state })).toMatchObject(refused);
      const other = await consent(await begin());
      expect(await complete({ code: other.get("code"), state: other.get("state"), merchant: "books" })).toMatchObject(
        refused,
      );
    });

    it("connects the account to the merchant for whom the state was given out, whoever brings it back", async () => {
      const books = {
        id: "books",
        stripe: createStripeGateway({ secretKey: "sk_test_account_books", apiBase: scene.sandboxUrl }),
        mode: "test",
        webhookSecrets: [],
        limits: null,
        clientId: "ca_account_books",
        receiver: null,
      } as const;
      await openPlatform(scene, {
        furtherMerchants: { find: (id) => (id === "books" ? books : undefined), all: () => [books] },
      });
      const returnUrl = "https://books.example/connected";
      const { body } = await scene.call("accounts/createConnectUrl", { returnUrl, merchant: "books" });
      const back = await consent(String(body["url"]));
      const request = { code: back.get("code"), state: back.get("state") };
      const connected = await scene.call("accounts/completeConnect", request);
      expect(connected).toMatchObject({ status: 200, body: { returnUrl } });
      const accountId = String(connected.body["accountId"]);
      expect(await scene.call("accounts/getAccount", { accountId, merchant: "books" })).toMatchObject({ status: 200 });
      expect(await scene.call("accounts/getAccount", { accountId })).toMatchObject({ status: 404 });
      await openPlatform(scene);
    });

    it("takes two pages of one state for one", async () => {
      const back = await consent(await begin());
      const request = { code: back.get("code"), state: back.get("state") };
      const answers = await Promise.all([1, 2, 3].map(() => scene.call("accounts/completeConnect", request)));
      expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 400, 400]);
    });

    it("says so where no client id is set", async () => {
      await openPlatform(scene, { clientId: null });
      for (const [handler, body] of [
        ["createConnectUrl", { returnUrl: "https://shop.example" }],
        ["disconnectAccount", { accountId: "acct_1" }],
      ] as const) {
        expect(await scene.call(`accounts/${handler}`, body)).toMatchObject({
          status: 400,
          body: { message: expect.stringContaining("STRIPE_CLIENT_ID") as string },
        });
      }
      await openPlatform(scene, { clientId });
    });
  });
});
