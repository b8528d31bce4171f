/** Two marketplaces on one Stripe account, each with API keys: no key of one acts for the sellers, charges, transfers or states of the other. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Scope } from "../../../src/api/scopes.ts";
import { clientId, consent } from "../../accounts/marketplace.ts";
import { openStage, type Name, type Stage } from "../../merchants/stage.ts";
import { openEdge, type SceneEdge } from "../../scene/edge.ts";
import { bankDebit, card, newOrder } from "../../scene/scene.ts";
import { testKey, writeKeyFile } from "../keys.ts";

const scopes: Scope[] = [
  "payments:write",
  "payments:read",
  "refunds:write",
  "accounts:read",
  "accounts:write",
  "transfers:write",
  "customers:write",
];
const keys = {
  books: testKey({ name: "books-shop", merchant: "books", scopes }),
  toys: testKey({ name: "toys-shop", merchant: "toys", scopes }),
};
const returnUrl = "https://shop.example/connected?a={ACCOUNT_ID}";

type Ids = { readonly account: string; readonly own: string; readonly charge: string; readonly transfer: string };

const withoutIds = (answer: unknown, { account, charge, transfer }: Ids) =>
  JSON.stringify(answer).replaceAll(account, "acct").replaceAll(charge, "ch").replaceAll(transfer, "tr");

describe("two marketplaces at one edge", () => {
  const folder = mkdtempSync(join(tmpdir(), "marketplaces-"));
  let stage: Stage;
  let edge: SceneEdge;
  /** An account of toys', which takes payments. */
  let seller: string;
  let sourceChargeId: string;
  let transferId: string;

  beforeAll(async () => {
    stage = await openStage("one Stripe account", 1000);
    for (const name of ["books", "toys"] as const) stage.configured.set(name, { ...stage.original(name), clientId });
    const apiKeysFile = join(folder, "keys.json");
    writeKeyFile(apiKeysFile, [keys.books.stored, keys.toys.stored]);
    edge = await openEdge(stage.scene, { apiKeysFile, furtherMerchants: () => [...stage.configured.values()] });
    await stage.serve({ clientId, connectRedirectUri: `${edge.url}/connect/callback` });
    const { body } = await as("toys", "accounts/createAccount", { dashboard: "express" });
    seller = String(body["accountId"]);
    await stage.scene.connected("onboard", { account: seller, outcome: "done" });
    const paid = await as("toys", "payments/processPayment", { ...card(newOrder()), amount: 5000 });
    sourceChargeId = String(paid.body["chargeId"]);
    const moved = { accountId: seller, amount: 1000, currency: "usd", sourceChargeId };
    transferId = String((await as("toys", "accounts/createTransfer", moved)).body["transferId"]);
    if (!transferId.startsWith("tr_")) throw new Error("There is nothing to attack.");
  });
  afterAll(async () => {
    await edge.close();
    await stage.close();
    rmSync(folder, { recursive: true });
  });

  const as = async (name: Name, path: string, body: object, key: string = crypto.randomUUID()) =>
    await edge.call(`/${path}`, body, { authorization: `Bearer ${keys[name].text}`, "idempotency-key": key });

  const pages = { returnUrl: "https://shop.example/done", refreshUrl: "https://shop.example/again" };
  const attempts: readonly (readonly [what: string, path: string, body: (ids: Ids) => object])[] = [
    ["reading an account", "accounts/getAccount", ({ account }) => ({ accountId: account })],
    ["waiting for an account", "accounts/awaitOnboarding", ({ account }) => ({ accountId: account })],
    ["onboarding an account", "accounts/createOnboardingLink", ({ account }) => ({ accountId: account, ...pages })],
    ["disconnecting an account", "accounts/disconnectAccount", ({ account }) => ({ accountId: account })],
    ["charging on an account", "payments/processPayment", ({ account }) => ({ ...fixedCard, stripeAccount: account })],
    [
      "a customer on an account",
      "payments/createCustomer",
      ({ account }) => ({ email: "jenny@example.com", stripeAccount: account }),
    ],
    [
      "passing a charge on to an account",
      "payments/processPayment",
      ({ account }) => ({ ...fixedCard, transfer: { destination: account } }),
    ],
    [
      "a charge on behalf of an account",
      "payments/processPayment",
      ({ account }) => ({ ...fixedCard, onBehalfOf: account }),
    ],
    [
      "a transfer to an account",
      "accounts/createTransfer",
      ({ account }) => ({ accountId: account, amount: 1, currency: "usd" }),
    ],
    [
      "a transfer of a charge's money",
      "accounts/createTransfer",
      ({ own, charge }) => ({ accountId: own, amount: 1, currency: "usd", sourceChargeId: charge }),
    ],
    ["taking a transfer back", "accounts/reverseTransfer", ({ transfer }) => ({ transferId: transfer, amount: 1 })],
  ];
  const fixedCard = { paymentMethodId: "pm_card_visa", amount: 109 };
  it("An API key can't name the other merchant, whatever it asks for", async () => {
    const theirs = { account: seller, own: seller, charge: sourceChargeId, transfer: transferId };
    for (const [, path, body] of attempts) {
      for (const merchant of ["toys", "default", "nobody"]) {
        expect((await as("books", path, { ...body(theirs), merchant })).status).toBe(403);
      }
    }
  });

  it.each(attempts)(
    "%s of the other's is answered as if there were none, and changes nothing",
    async (_, path, body) => {
      const own = String((await as("books", "accounts/createAccount", { dashboard: "express" })).body["accountId"]);
      await stage.scene.connected("onboard", { account: own, outcome: "done" });
      const everything = async () =>
        JSON.stringify([
          await stage.scene.stripe.accounts.retrieve(seller),
          await stage.scene.stripe.transfers.list({ limit: 100 }),
          await stage.scene.stripe.charges.retrieve(sourceChargeId),
          (await stage.scene.stripe.paymentIntents.list({ limit: 100 })).data.length,
          (await stage.scene.stripe.paymentIntents.list({ limit: 100 }, { stripeAccount: seller })).data.length,
          await stage.scene.stripe.customers.list({ limit: 100 }, { stripeAccount: seller }),
        ]);
      const before = await everything();
      const theirs = { account: seller, own, charge: sourceChargeId, transfer: transferId };
      const unknown = { account: "acct_1Unknown", own, charge: "ch_unknown", transfer: "tr_unknown" };
      const answer = await as("books", path, body(theirs));
      const nobodys = await as("books", path, body(unknown));
      expect([400, 404]).toContain(answer.status);
      expect(withoutIds(answer.body, theirs)).toEqual(withoutIds(nobodys.body, unknown));
      expect(await everything()).toBe(before);
    },
  );

  it("The same key, order and account names of both are two payments, and a call is only its own key's", async () => {
    const [order, key] = [newOrder(), crypto.randomUUID()];
    const mine = await as("toys", "payments/processPayment", { ...card(order), reference: order }, key);
    const other = await as("books", "payments/processPayment", { ...card(order), reference: order }, key);
    expect([mine.status, other.status]).toEqual([200, 200]);
    expect(mine.body["paymentIntentId"]).not.toBe(other.body["paymentIntentId"]);
    const headers = {
      authorization: `Bearer ${keys.toys.text}`,
      "idempotency-key": newOrder(),
      prefer: "respond-async",
    };
    const debit = { ...bankDebit(newOrder()), stripeAccount: seller };
    const { callId } = (await edge.call("/payments/processPayment", debit, headers)).body as { callId?: string };
    const stranger = { authorization: `Bearer ${keys.books.text}` };
    expect(await edge.get(`/calls/${callId}`, stranger)).toMatchObject({ status: 404 });
    expect(await edge.call(`/calls/${callId}/cancel`, {}, stranger)).toMatchObject({ status: 404 });
    const owner = { authorization: `Bearer ${keys.toys.text}` };
    expect(await edge.get(`/calls/${callId}`, owner)).toMatchObject({ status: 202 });
    expect(await edge.call(`/calls/${callId}/cancel`, {}, owner)).toMatchObject({ status: 202 });
  });

  async function redirected(name: Name): Promise<{ readonly code: string; readonly state: string }> {
    const { body } = await as(name, "accounts/createConnectUrl", { returnUrl });
    const back = await consent(String(body["url"]));
    return { code: back.get("code") ?? "", state: back.get("state") ?? "" };
  }
  const callback = async (query: Readonly<Record<string, string>>) =>
    await fetch(`${edge.url}/connect/callback?${new URLSearchParams(query).toString()}`, { redirect: "manual" });

  it("A state of the other's can't be redeemed, and is left to its owner", async () => {
    const back = await redirected("toys");
    expect(await as("books", "accounts/completeConnect", back)).toMatchObject({
      status: 400,
      body: { metadata: { reason: "invalid_request", param: "state" } },
    });
    expect(await as("toys", "accounts/completeConnect", back)).toMatchObject({ status: 200 });
  });

  it("A state is good once, for one code, on the page and by the call", async () => {
    const [first, second] = [await redirected("toys"), await redirected("books")];
    expect((await callback(first)).status).toBe(200);
    // The page that is loaded again is the same call; another code with the state is none.
    expect((await callback(first)).status).toBe(200);
    expect((await callback({ code: second.code, state: first.state })).status).toBe(400);
    expect((await callback({ code: first.code, state: second.state })).status).toBe(422);
    expect(await as("toys", "accounts/completeConnect", first)).toMatchObject({ status: 400 });
    expect(await as("books", "accounts/completeConnect", second)).toMatchObject({ status: 200 });
  });
});
