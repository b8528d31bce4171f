import { Stripe } from "stripe";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStripeGateway, type StripeGateway } from "../../src/merchants/gateway.ts";
import { webhookEventTypes } from "../../src/webhooks/eventTable.ts";
import type { UndeliveredPage } from "../../src/webhooks/stripe.ts";
import { startCheckedSandbox } from "../sandbox/schemas/checked.ts";

/** A valid address: 24 bytes of an invocation id and the index 17. */
const doorbell = `sign_1${Buffer.concat([Buffer.alloc(27), Buffer.from([17])]).toString("base64url")}`;

/** As many as one request can name; the others are about accounts. */
const onePortion = webhookEventTypes.slice(0, 20);

describe("undelivered events", () => {
  let sandbox: Awaited<ReturnType<typeof startCheckedSandbox>>;
  let gateway: StripeGateway;
  let stripe: Stripe;
  beforeAll(async () => {
    sandbox = await startCheckedSandbox({
      port: 0,
      dataDir: null,
      // Nobody listens there.
      webhook: { url: "http://127.0.0.1:9/none", secret: "whsec_none" },
      settlementDelayMs: 3_600_000,
      webhookRetryDelaysMs: [],
      faults: [{ target: "webhook", effect: "lose", count: 0 }],
    });
    gateway = createStripeGateway({ secretKey: "sk_test_events", apiBase: sandbox.url });
    stripe = new Stripe("sk_test_events", { host: "127.0.0.1", port: sandbox.port, protocol: "http" });
  });
  afterAll(async () => {
    await sandbox.close();
  });

  async function listAll(createdSince = 0): Promise<readonly UndeliveredPage[]> {
    const pages: UndeliveredPage[] = [];
    let after: string | null = null;
    do {
      const page: UndeliveredPage | null = await gateway.listUndelivered({
        merchant: "default",
        account: null,
        types: onePortion,
        createdSince,
        after,
      });
      if (page === null) throw new Error("Stripe knows every event on which a page ended.");
      pages.push(page);
      after = page.next;
    } while (after !== null);
    return pages;
  }

  async function fault(order: { readonly effect: string; readonly path: string }): Promise<void> {
    const body = JSON.stringify({ target: "api", ...order });
    await fetch(`${sandbox.url}/_sandbox/faults`, { method: "POST", body });
  }

  async function clock(order: object): Promise<void> {
    await fetch(`${sandbox.url}/_sandbox/clock`, { method: "POST", body: JSON.stringify(order) });
  }

  async function pay(metadata: Record<string, string>): Promise<string> {
    const { id } = await stripe.paymentIntents.create({
      amount: 200,
      currency: "usd",
      payment_method: "pm_card_visa",
      confirm: true,
      metadata,
      automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    });
    return id;
  }

  it("are none where nothing has happened", async () => {
    expect(await listAll()).toEqual([{ count: 0, oldest: null, doorbells: [], telltales: [], next: null }]);
  });

  it("are listed page by page, each payment with what to look at, each doorbell once", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 101; n++)
      ids.push(await pay({ restate_callback_id: doorbell, restate_callback_id_b: "damaged" }));
    await stripe.refunds.create({ payment_intent: ids[100] ?? "" });
    const pages = await listAll();
    expect(pages).toHaveLength(2);
    expect(pages.map(({ count }) => count)).toEqual([100, expect.any(Number)]);
    const told = new Map(
      pages.flatMap(({ telltales }) => telltales.map((telltale) => [telltale.paymentIntentId, telltale.changes])),
    );
    expect([...told.keys()].toSorted()).toEqual(ids.toSorted());
    expect(pages.map(({ doorbells }) => doorbells)).toEqual([[doorbell], [doorbell]]);
    expect(pages[0]?.telltales.find(({ paymentIntentId }) => paymentIntentId === ids[100])?.changes).toEqual([
      "refunds",
    ]);
    expect(pages[1]?.oldest).toBeGreaterThan(Date.now() / 1000 - 120);
  });

  it("begin where they are asked for", async () => {
    expect(await listAll(Math.floor(Date.now() / 1000) + 3600)).toMatchObject([{ count: 0 }]);
  });

  it("begin nowhere after an event that Stripe has forgotten, or never had", async () => {
    const id = await pay({});
    const { data } = await stripe.events.list({ limit: 1 });
    const query = { merchant: "default", account: null, types: onePortion, createdSince: 0 };
    expect(await gateway.listUndelivered({ ...query, after: "evt_unknown" })).toBeNull();
    expect(await gateway.listUndelivered({ ...query, after: data[0]?.id ?? "" })).not.toBeNull();
    await clock({ mode: "virtual" });
    await clock({ advanceMs: 31 * 24 * 3_600_000 });
    expect(await gateway.listUndelivered({ ...query, after: data[0]?.id ?? "" })).toBeNull();
    expect((await stripe.events.list({ limit: 100 })).data.map(({ id: event }) => event)).not.toContain(data[0]?.id);
    expect((await stripe.paymentIntents.retrieve(id)).id).toBe(id);
    await clock({ mode: "real" });
  });

  it("are those of accounts that are connected, and of no other", async () => {
    const account = await stripe.accounts.create({ type: "standard" });
    expect(await gateway.isConnected(account.id)).toBe(true);
    expect(await gateway.isConnected("acct_nobody")).toBe(false);
    await fault({ effect: "forbidden", path: "/v1/accounts/*" });
    expect(await gateway.isConnected(account.id)).toBe(false);
    await stripe.accounts.del(account.id);
  });

  it("of a connected account are its own", async () => {
    const account = await stripe.accounts.create({ type: "standard" });
    expect(await gateway.listConnectedAccounts(null)).toEqual({ found: [account.id], next: null });
    const query = { merchant: "default", account: account.id, types: onePortion, createdSince: 0, after: null };
    expect(await gateway.listUndelivered(query)).toMatchObject({ count: 0 });
  });

  it("go without connected accounts that the key may not list", async () => {
    const path = "/v1/accounts";
    await fault({ effect: "forbidden", path });
    expect(await gateway.listConnectedAccounts(null)).toBeNull();
    await fault({ effect: "unauthorized", path });
    await expect(gateway.listConnectedAccounts(null)).rejects.toMatchObject({ name: "StripeAccessError" });
  });

  it("that Stripe doesn't list are an outage, and a rejected key an operator's", async () => {
    for (const [effect, name] of [
      ["error_500", "StripeOutage"],
      ["forbidden", "StripeAccessError"],
    ] as const) {
      await fault({ effect, path: "/v1/events" });
      await expect(listAll()).rejects.toMatchObject({ name });
    }
  });
});
