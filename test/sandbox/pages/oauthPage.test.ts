/** OAuth of Standard accounts: the page of consent, the exchange of its code, and what the platform may do then. */
import { Stripe } from "stripe";
import { afterAll, describe, expect, it } from "vitest";
import {
  cardPayment,
  clientOf,
  control,
  secret,
  type Surroundings,
  until,
  withReceiver,
  withSandbox,
} from "../surroundings.ts";
import { closeBrowser, hasBrowser, openPage } from "./browser.ts";

afterAll(closeBrowser);

const PLATFORM = "ca_sandbox_platform";
const BACK = "https://shop.test/connect/callback?from=stripe";
const asked = { response_type: "code", client_id: PLATFORM, scope: "read_write", state: "s7", redirect_uri: BACK };

type Changes = Readonly<Record<string, string | undefined>>;

function consentUrl({ sandbox }: Pick<Surroundings, "sandbox">, changes: Changes = {}): string {
  const parameters = Object.entries({ ...asked, ...changes }).filter(
    (one): one is [string, string] => one[1] !== undefined,
  );
  return `${sandbox.url}/oauth/authorize?${new URLSearchParams(parameters).toString()}`;
}

/** Where the page leads: the parameters that the platform gets, or the page's status. */
async function follow(url: string, form: Changes | null): Promise<Readonly<Record<string, string>> | number> {
  const body = form === null ? null : new URLSearchParams(form as Record<string, string>);
  const { status, headers } = await fetch(url, { redirect: "manual", method: form === null ? "GET" : "POST", body });
  const to = URL.parse(headers.get("location") ?? "");
  return to === null ? status : Object.fromEntries(to.searchParams);
}

async function newCode(
  around: Pick<Surroundings, "sandbox">,
  form: Changes = {},
  changes: Changes = {},
): Promise<string> {
  const answer = await follow(consentUrl(around, changes), { decision: "connect", ...form });
  return typeof answer === "number" ? String(answer) : (answer["code"] ?? "");
}

const exchange = (stripe: Stripe, code: string) => stripe.oauth.token({ grant_type: "authorization_code", code });

/** The error a call to OAuth's endpoints ends with, in its own words. */
async function oauthErrorOf(call: Promise<unknown>): Promise<readonly [status: number, error: string, words: string]> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Stripe.errors.StripeError)) throw error ?? new Error("The call was expected to fail.");
  return [error.statusCode ?? 0, error.rawType ?? "", error.message];
}

describe("a consent", () => {
  it("gives a code that connects the account, once", async () => {
    await withReceiver(async ({ url, received }) => {
      await withSandbox(
        async (around) => {
          const { sandbox, stripe } = around;
          const answer = await follow(consentUrl(around), { decision: "connect", email: "ada@example.com" });
          expect(answer).toEqual({
            from: "stripe",
            scope: "read_write",
            code: expect.stringMatching(/^ac_\w{32}$/) as string,
            state: "s7",
          });
          const { code = "" } = answer as Readonly<Record<string, string>>;
          expect((await stripe.accounts.list()).data).toEqual([]);
          const tokens = await exchange(stripe, code);
          expect(tokens).toMatchObject({ livemode: false, scope: "read_write", token_type: "bearer" });
          expect(tokens.stripe_publishable_key).toMatch(/^pk_test_/);
          const account = tokens.stripe_user_id ?? "";
          expect(await stripe.accounts.retrieve(account)).toMatchObject({
            type: "standard",
            controller: { type: "account" },
            email: "ada@example.com",
            charges_enabled: true,
          });
          const there = clientOf(sandbox, { stripeAccount: account });
          const { id } = await there.paymentIntents.create(cardPayment());
          const itself = new Stripe(tokens.access_token ?? "", {
            host: sandbox.host,
            port: sandbox.port,
            protocol: "http",
          });
          expect((await itself.paymentIntents.retrieve(id)).status).toBe("succeeded");
          const joined = await until("the event", () =>
            received.map(({ event }) => event).find(({ type }) => type === "account.application.authorized"),
          );
          expect(joined).toMatchObject({ account, data: { object: { id: PLATFORM, object: "application" } } });

          expect(await oauthErrorOf(exchange(stripe, code))).toEqual([
            400,
            "invalid_grant",
            "This authorization code has already been used. All tokens issued with this code have been revoked.",
          ]);
          await expect(itself.paymentIntents.retrieve(id)).rejects.toMatchObject({ statusCode: 401 });
        },
        { webhook: { url, secret, connect: true } },
      );
    });
  });

  it("of another platform's client id connects to that platform", async () => {
    await withSandbox(async (around) => {
      const { host, port, protocol } = around.sandbox;
      const shoes = new Stripe("sk_test_account_shoes", { host, port, protocol });
      const code = await newCode(around, {}, { client_id: "ca_account_shoes" });
      expect((await oauthErrorOf(exchange(around.stripe, code)))[1]).toBe("invalid_grant");
      const { stripe_user_id } = await exchange(shoes, code);
      expect((await shoes.accounts.list()).data.map(({ id }) => id)).toEqual([stripe_user_id]);
      expect((await around.stripe.accounts.list()).data).toEqual([]);
      const taken = await newCode(around, { account: stripe_user_id });
      expect(taken).toBe("409");
    });
  });

  it("of an account that left connects the same account again", async () => {
    await withSandbox(async (around) => {
      const { sandbox, stripe } = around;
      const { stripe_user_id: account = "", refresh_token = "" } = await exchange(stripe, await newCode(around));
      const deauthorized = await stripe.oauth.deauthorize({ client_id: PLATFORM, stripe_user_id: account });
      expect(deauthorized.stripe_user_id).toBe(account);
      expect((await stripe.accounts.list()).data).toEqual([]);
      const refreshing = stripe.oauth.token({ grant_type: "refresh_token", refresh_token });
      expect((await oauthErrorOf(refreshing))[1]).toBe("invalid_grant");
      const again = await exchange(stripe, await newCode(around, { account }));
      expect(again.stripe_user_id).toBe(account);
      expect((await clientOf(sandbox, { stripeAccount: account }).customers.list()).data).toEqual([]);
    });
  });

  it("of an account that has told Stripe nothing connects one that may take no payments", async () => {
    await withSandbox(async (around) => {
      const { stripe_user_id = "" } = await exchange(around.stripe, await newCode(around, { state: "left" }));
      const account = await around.stripe.accounts.retrieve(stripe_user_id);
      expect(account).toMatchObject({ charges_enabled: false, details_submitted: false });
    });
  });

  it("gives a code that lives five minutes", async () => {
    await withSandbox(async (around) => {
      const codes = [await newCode(around), await newCode(around)];
      await control(around.sandbox, "POST", "/clock", { advanceMs: 299_000 });
      expect((await exchange(around.stripe, codes[0] ?? "")).stripe_user_id).toMatch(/^acct_1/);
      await control(around.sandbox, "POST", "/clock", { advanceMs: 1000 });
      const late = exchange(around.stripe, codes[1] ?? "");
      expect(await oauthErrorOf(late)).toEqual([400, "invalid_grant", `Authorization code expired: ${codes[1]}`]);
    });
  });

  it("may be denied", async () => {
    await withSandbox(async (around) => {
      expect(await follow(consentUrl(around), { decision: "deny" })).toEqual({
        from: "stripe",
        error: "access_denied",
        error_description: "The user denied your request",
        state: "s7",
      });
    });
  });

  it.each<[what: string, changes: Changes, answer: unknown]>([
    ["no client id", { client_id: undefined }, 400],
    ["an unknown client id", { client_id: "ca_123" }, 400],
    ["no redirect_uri", { redirect_uri: undefined }, 400],
    ["a script for redirect_uri", { redirect_uri: "javascript:alert(1)" }, 400],
    ["an app's redirect_uri", { redirect_uri: "shop://back" }, 400],
    [
      "another response type",
      { response_type: "token" },
      expect.objectContaining({ error: "unsupported_response_type", state: "s7" }),
    ],
    [
      "the scope that isn't played",
      { scope: "read_only" },
      expect.objectContaining({ error: "invalid_scope", state: "s7" }),
    ],
    [
      "no scope, which is the one that isn't played",
      { scope: undefined },
      expect.objectContaining({ error: "invalid_scope" }),
    ],
  ])("asked for with %s is refused", async (_what, changes, answer) => {
    await withSandbox(async (around) => {
      const url = consentUrl(around, changes);
      for (const form of [null, { decision: "connect" }]) {
        expect(await follow(url, form)).toEqual(answer);
      }
      expect(await follow(consentUrl(around), {})).toBe(422);
    });
  });
});

describe("the endpoint of tokens", () => {
  it("gives a new access token for a refresh token", async () => {
    await withSandbox(async (around) => {
      const first = await exchange(around.stripe, await newCode(around));
      const refresh_token = first.refresh_token ?? "";
      const next = await around.stripe.oauth.token({ grant_type: "refresh_token", refresh_token });
      expect(next).toMatchObject({ stripe_user_id: first.stripe_user_id, refresh_token });
      expect(next.access_token).not.toBe(first.access_token);
    });
  });

  it.each<[form: Readonly<Record<string, string>>, status: number, error: string]>([
    [{ grant_type: "authorization_code", code: "ac_none" }, 400, "invalid_grant"],
    [{ grant_type: "authorization_code" }, 400, "invalid_request"],
    [{ grant_type: "refresh_token", refresh_token: "rt_none" }, 400, "invalid_grant"],
    [{ grant_type: "refresh_token" }, 400, "invalid_request"],
    [{ grant_type: "refresh_token", refresh_token: "rt_none", scope: "read_only" }, 400, "invalid_scope"],
    [{ grant_type: "password" }, 400, "unsupported_grant_type"],
    [{ code: "ac_none" }, 400, "invalid_request"],
    [{ grant_type: "authorization_code", code: "ac_none", colour: "red" }, 400, "invalid_request"],
    [{ grant_type: "authorization_code", code: "ac_none", client_secret: "pk_wrong" }, 401, "invalid_client"],
  ])("answers %j with %i and %s, in OAuth's form", async (form, status, error) => {
    await withSandbox(async ({ sandbox }) => {
      const fields = { client_secret: "sk_test_of_the_form", ...form };
      const answer = await fetch(`${sandbox.url}/oauth/token`, { method: "POST", body: new URLSearchParams(fields) });
      expect(answer.status).toBe(status);
      expect(await answer.json()).toEqual({ error, error_description: expect.any(String) as string });
    });
  });

  it.each([
    ["ca_account_shoes", "acct_1Nowhere", /^No such application: 'ca_account_shoes'/],
    [PLATFORM, "acct_1Nowhere", /^This application is not connected to stripe account acct_1Nowhere, or that account/],
  ])("deauthorizes nothing for %s and %s", async (client_id, stripe_user_id, words) => {
    await withSandbox(async ({ stripe }) => {
      const refused = await oauthErrorOf(stripe.oauth.deauthorize({ client_id, stripe_user_id }));
      expect(refused).toEqual([401, "invalid_client", expect.stringMatching(words) as string]);
    });
  });
});

describe.skipIf(!hasBrowser)("the page of consent", () => {
  it("connects a new account, then the same again, and may be denied", async () => {
    await withSandbox(async (around) => {
      const page = await openPage();
      // A page that the browser can really load stands for the platform's.
      const redirect_uri = `${around.sandbox.url}/_sandbox/health`;
      await page.goto(
        consentUrl(around, { redirect_uri, "stripe_user[email]": "ada@example.com", "stripe_user[country]": "AT" }),
      );
      expect(await page.getByRole("note").textContent()).toContain("SANDBOX");
      await page.getByRole("heading", { name: "Connect your account to Sandbox platform" }).waitFor();
      expect(await page.getByLabel("Email of the new account").inputValue()).toBe("ada@example.com");
      await page.getByRole("button", { name: "Connect" }).click();
      await page.waitForURL(/\/_sandbox\/health\?scope=read_write&code=ac_\w+&state=s7$/);
      const { stripe_user_id: account = "" } = await exchange(
        around.stripe,
        new URL(page.url()).searchParams.get("code") ?? "",
      );
      expect(await around.stripe.accounts.retrieve(account)).toMatchObject({ email: "ada@example.com", country: "AT" });

      await page.goto(consentUrl(around, { redirect_uri }));
      await page.getByRole("group", { name: "Account", exact: true }).getByLabel("ada@example.com").check();
      await page.getByRole("button", { name: "Connect" }).focus();
      await page.keyboard.press("Enter");
      await page.waitForURL(/code=ac_/);
      const code = new URL(page.url()).searchParams.get("code") ?? "";
      expect((await exchange(around.stripe, code)).stripe_user_id).toBe(account);

      await page.goto(consentUrl(around, { redirect_uri }));
      await page.getByRole("button", { name: "Deny" }).click();
      await page.waitForURL(/error=access_denied/);
    });
  });
});
