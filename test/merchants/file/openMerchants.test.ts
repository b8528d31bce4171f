/** The file of merchants: what it says, what is refused, and how it changes. */
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/config/config.ts";
import { until } from "../../dev/conditions.ts";
import { cannedStripe } from "../cannedStripe.ts";
import { books, canary, environment, merchantsFile, opened, openedByEdge, toys, write, writeBeside } from "./files.ts";

function problemsOf(open: () => unknown): readonly string[] {
  try {
    open();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** Longer than it takes to look again. */
const aLookMs = 1500;

describe("the merchants of a file", () => {
  it("are as it says, with the secrets that it names", () => {
    const path = merchantsFile(
      [
        {
          ...books,
          mode: "test",
          limits: { usd: 500_000, jpy: 70_000 },
          notifyUrl: "https://books.example/events",
          notifySecret: "env:NOTIFY",
          stripeClientId: "ca_books",
        },
        {
          ...toys,
          stripeSecretKey: "file:secrets/key",
          notifyService: "toys/onPaymentEvent",
          requestsPerSecond: "off",
        },
      ],
      { "secrets/key": `sk_live_toys${canary}\n` },
    );
    const { merchants, warnings } = opened(path);
    expect(merchants.find("books")).toEqual({
      id: "books",
      mode: "test",
      webhookSecrets: [environment.BOOKS_WEBHOOKS],
      limits: { usd: 500_000, jpy: 70_000 },
      receiver: { kind: "http", url: "https://books.example/events", secrets: [environment.NOTIFY] },
      clientId: "ca_books",
      stripe: expect.objectContaining({ readPayment: expect.any(Function) }),
    });
    expect(merchants.find("toys")).toMatchObject({
      mode: "live",
      webhookSecrets: environment.TOYS_WEBHOOKS.split(","),
      limits: null,
      receiver: { kind: "service", service: "toys", handler: "onPaymentEvent" },
      clientId: null,
    });
    expect(merchants.all().map(({ id }) => id)).toEqual(["books", "toys"]);
    expect(merchants.find("default")).toBeUndefined();
    expect(merchants.find("Books")).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  it("may be none, and a schema may be named for editors", () => {
    const path = merchantsFile([]);
    writeFileSync(path, JSON.stringify({ $schema: "./merchants.schema.json", merchants: [] }));
    expect(opened(path).merchants.all()).toEqual([]);
  });

  it("show none of their secrets but what verifies webhooks and signs notifications", () => {
    const { merchants } = opened(merchantsFile([books]));
    expect(JSON.stringify(merchants.all())).not.toContain("sk_test_");
  });

  it("send each with their own key, and see only what is theirs", async () => {
    const theirs = { restate_invocation_id: "inv_1", restate_merchant: "toys" };
    const payment = {
      id: "pi_1",
      object: "payment_intent",
      status: "processing",
      latest_charge: null,
      next_action: null,
    };
    const { url, sent } = await cannedStripe({ body: { ...payment, metadata: theirs } });
    const { merchants } = opened(merchantsFile([books, toys]), { apiBase: url });
    expect(await merchants.find("books")?.stripe.readPayment("pi_1")).toMatchObject({ kind: "missing" });
    expect(await merchants.find("toys")?.stripe.readPayment("pi_1")).toMatchObject({ kind: "payment" });
    expect(sent.map(({ headers }) => headers["authorization"])).toEqual([
      `Bearer ${environment.BOOKS_KEY}`,
      `Bearer ${environment.TOYS_KEY}`,
    ]);
  });

  it("wait each in a line of their own", async () => {
    const { url, sent } = await cannedStripe({ body: { id: "cus_1", object: "customer", metadata: {} } });
    const slow = { requestsPerSecond: 1 };
    const { merchants } = opened(
      merchantsFile([
        { ...books, ...slow },
        { ...toys, ...slow },
      ]),
      { apiBase: url },
    );
    const [one, other] = merchants.all();
    await one?.stripe.readCustomer("cus_1");
    const waiting = one?.stripe.readCustomer("cus_1");
    const begunAtMs = performance.now();
    await other?.stripe.readCustomer("cus_1");
    expect(performance.now() - begunAtMs).toBeLessThan(500);
    expect(sent).toHaveLength(2);
    await waiting;
  });

  it("say in a line of the log which of them Stripe slows down", async () => {
    const limited = { error: { type: "invalid_request_error", code: "rate_limit", message: "Slower." } };
    const headers = { "stripe-rate-limited-reason": "global-rate" };
    const { url } = await cannedStripe({ status: 429, headers, body: limited });
    const slowed: string[] = [];
    const path = merchantsFile([{ ...books, requestsPerSecond: 10 }]);
    const { merchants } = opened(path, { apiBase: url, onSlowed: (words) => slowed.push(words) });
    await expect(merchants.find("books")?.stripe.readCustomer("cus_1")).rejects.toMatchObject({ name: "StripeOutage" });
    expect(slowed).toEqual([expect.stringMatching(/^Merchant books: Stripe limits the rate of requests/)]);
  });
});

const only = (merchant: object) => [{ ...books, ...merchant }];

describe("a file of merchants is refused", () => {
  const notify = { notifyUrl: "https://books.example/events", notifySecret: "env:NOTIFY" };
  it.each<[string, readonly object[], readonly (string | RegExp)[]]>([
    [
      "with an unknown field",
      only({ webhookSecret: canary }),
      ["/merchants/0 has a field that is not known: webhookSecret"],
    ],
    [
      "with an unknown field that could be a secret",
      only({ [`sk_live_${canary}`]: 1 }),
      ["/merchants/0 has a field that is not known: …"],
    ],
    [
      "without what it needs",
      [{}],
      [
        "/merchants/0/id is missing",
        "/merchants/0/stripeSecretKey is missing",
        "/merchants/0/webhookSecrets is missing",
      ],
    ],
    ["with an id of capitals", only({ id: `A${canary}` }), [/^\/merchants\/0\/id must be 1 to 64 lower-case letters/]],
    ["with an id that is a path", only({ id: "a/b" }), [/^\/merchants\/0\/id must be/]],
    ["with an id that is no text", only({ id: 7 }), ["/merchants/0/id is no text"]],
    ["with the environment's merchant", only({ id: "default" }), [/^\/merchants\/0\/id must not be default/]],
    ["with one id twice", [books, { ...toys, id: "books" }], ["/merchants/1/id is there twice"]],
    [
      "with a key in it",
      only({ stripeSecretKey: `sk_live_${canary}` }),
      [
        /^\/merchants\/0\/stripeSecretKey must say where the secret is, as env:NAME .* or file:PATH .*does not belong into this file\.$/,
      ],
    ],
    [
      "with a webhook secret in it",
      only({ webhookSecrets: [`whsec_${canary}`] }),
      [/^\/merchants\/0\/webhookSecrets\/0 must say where the secret is/],
    ],
    [
      "with a notification secret in it",
      only({ ...notify, notifySecret: environment.NOTIFY }),
      [/^\/merchants\/0\/notifySecret must say where/],
    ],
    [
      "with a variable that isn't set",
      only({ stripeSecretKey: "env:NONE" }),
      [
        /^\/merchants\/0\/stripeSecretKey names a variable that is not set\. Expected a Stripe secret or restricted key/,
      ],
    ],
    [
      "with a file that isn't there",
      only({ stripeSecretKey: "file:none" }),
      [/^\/merchants\/0\/stripeSecretKey names a file that does not exist\./],
    ],
    [
      "with a file that is a folder",
      only({ stripeSecretKey: "file:." }),
      [/^\/merchants\/0\/stripeSecretKey names a file that is no file\./],
    ],
    [
      "with an empty file",
      only({ stripeSecretKey: "file:empty" }),
      [/^\/merchants\/0\/stripeSecretKey names a file that is empty\./],
    ],
    [
      "with another thing for a key",
      only({ stripeSecretKey: "env:BOOKS_WEBHOOKS" }),
      [/^\/merchants\/0\/stripeSecretKey leads to a value that can't be used \(not shown here\)\. Expected/],
    ],
    [
      "with another thing for a webhook secret",
      only({ webhookSecrets: ["env:BOOKS_WEBHOOKS", "env:BOOKS_KEY"] }),
      [/^\/merchants\/0\/webhookSecrets\/1 leads to a value that can't be used/],
    ],
    ["without a webhook secret", only({ webhookSecrets: [] }), ["/merchants/0/webhookSecrets must have a secret"]],
    [
      "with one webhook secret of two",
      [books, { ...toys, webhookSecrets: ["env:TOYS_WEBHOOKS", "env:BOOKS_WEBHOOKS"] }],
      [/^\/merchants\/1\/webhookSecrets has a secret of \/merchants\/0, too\./],
    ],
    [
      "with a mode that isn't the key's",
      only({ mode: "live" }),
      [/^\/merchants\/0\/mode is not the mode of the Stripe key/],
    ],
    ["with a mode that is none", only({ mode: canary }), ["/merchants/0/mode must be test or live"]],
    [
      "with no limits",
      only({ limits: {} }),
      [/^\/merchants\/0\/limits has no currency, so that nothing could be charged/],
    ],
    [
      "with a limit in capitals",
      only({ limits: { USD: 1 } }),
      [/^\/merchants\/0\/limits has what is no currency of Stripe's: USD\./],
    ],
    ["with a limit of nothing", only({ limits: { usd: 0 } }), ["/merchants/0/limits/usd must be at least 1"]],
    [
      "with a limit of cents",
      only({ limits: { usd: 10.5 } }),
      ["/merchants/0/limits/usd is no whole number of minor units"],
    ],
    [
      "with a limit above Stripe's",
      only({ limits: { usd: 1e12 } }),
      ["/merchants/0/limits/usd must be at most 999999999999"],
    ],
    [
      "with a client id that is none",
      only({ stripeClientId: canary }),
      [/^\/merchants\/0\/stripeClientId can't be used\. Expected the client id/],
    ],
    [
      "with a pace that is none",
      only({ requestsPerSecond: 0 }),
      [/^\/merchants\/0\/requestsPerSecond can't be used\. Expected an integer/],
    ],
    [
      "with an address that is none",
      only({ ...notify, notifyUrl: `https://${canary}:${canary}@books.example` }),
      [/^\/merchants\/0\/notifyUrl can't be used\. Expected an https URL/],
    ],
    [
      "with an address and no secret",
      only({ notifyUrl: notify.notifyUrl }),
      [/^\/merchants\/0\/notifySecret is missing, and notifyUrl needs it/],
    ],
    [
      "with a secret and no address",
      only({ notifySecret: "env:NOTIFY" }),
      [/^\/merchants\/0\/notifySecret is there without notifyUrl/],
    ],
    [
      "with two receivers",
      only({ ...notify, notifyService: "orders/onPaymentEvent" }),
      [/^\/merchants\/0\/notifyService is there beside notifyUrl/],
    ],
    [
      "with a service that is none",
      only({ notifyService: canary }),
      [/^\/merchants\/0\/notifyService can't be used\. Expected a handler/],
    ],
    [
      "with a notification secret of another form",
      only({ ...notify, notifySecret: "env:BOOKS_WEBHOOKS" }),
      [/^\/merchants\/0\/notifySecret leads to a value that can't be used/],
    ],
    [
      "with plain http to another machine and a live key",
      only({ ...notify, stripeSecretKey: "env:LIVE_KEY", notifyUrl: "http://books.example" }),
      [/^\/merchants\/0\/notifyUrl is plain http to another machine, with a live Stripe key/],
    ],
    [
      "with all that is wrong",
      [
        { ...books, id: "" },
        { ...toys, mode: "none" },
      ],
      [/^\/merchants\/0\/id /, "/merchants/1/mode must be test or live"],
    ],
  ])("%s", (_what, merchants, problems) => {
    const path = merchantsFile(merchants, { empty: "\n" });
    const found = problemsOf(() => opened(path));
    expect(found).toHaveLength(problems.length);
    const prefix = `MERCHANTS_FILE ${path}: `;
    expect(found.every((problem) => problem.startsWith(prefix))).toBe(true);
    expect(found.map((problem) => problem.slice(prefix.length))).toEqual(
      problems.map((problem) =>
        expect.stringMatching(typeof problem === "string" ? new RegExp(`^${RegExp.escape(problem)}$`) : problem),
      ),
    );
    expect(found.join()).not.toMatch(new RegExp(`${canary}|${RegExp.escape(environment.NOTIFY)}`));
  });

  it.each([
    ["", "is not JSON"],
    [`{"merchants": ["${canary}`, "is not JSON"],
    ["[]", "the file is no object"],
    ['{"merchants": {}}', "/merchants is no list"],
    ["{}", "/merchants is missing"],
    [`{"merchants": [], "${canary}": 1}`, "the file has a field that is not known: …"],
    ['{"merchants": ["books"]}', "/merchants/0 is no object"],
  ])("as %j", (text, problem) => {
    const path = merchantsFile([]);
    writeFileSync(path, text);
    expect(problemsOf(() => opened(path))).toEqual([`MERCHANTS_FILE ${path}: ${problem}`]);
  });

  it("where there is none", () => {
    const path = `${merchantsFile([])}.none`;
    expect(problemsOf(() => opened(path))).toEqual([`MERCHANTS_FILE ${path} does not exist.`]);
  });

  it("with a webhook secret of the environment's merchant", () => {
    const ownWebhookSecrets = [environment.BOOKS_WEBHOOKS];
    const path = merchantsFile([books]);
    for (const open of [opened, openedByEdge]) {
      expect(problemsOf(() => open(path, { ownWebhookSecrets }))).toEqual([
        expect.stringMatching(
          /\/merchants\/0\/webhookSecrets has a secret of the environment's STRIPE_WEBHOOK_SECRET, too\./,
        ),
      ]);
    }
  });

  it("with a live key where none may be", () => {
    const path = merchantsFile([{ ...books, stripeSecretKey: "env:LIVE_KEY" }, toys]);
    for (const open of [opened, openedByEdge]) {
      expect(problemsOf(() => open(path, { whyNoLiveKeys: "Nobody signs." }))).toEqual([
        `MERCHANTS_FILE ${path}: /merchants/0 is a live one. Nobody signs.`,
      ]);
    }
  });
});

describe("a change of the file", () => {
  it("counts without a restart: merchants come, change and go", async () => {
    const path = merchantsFile([books]);
    const { merchants, warnings } = opened(path);
    write(path, [{ ...books, limits: { usd: 1 } }, toys]);
    await until(() => merchants.find("toys") !== undefined);
    expect(merchants.find("books")?.limits).toEqual({ usd: 1 });
    write(path, [toys]);
    await until(() => merchants.all().length === 1);
    expect(merchants.all().map(({ id }) => id)).toEqual(["toys"]);
    // The edge may let in its calls for a moment yet.
    expect(merchants.find("books")).toBeDefined();
    await until(() => merchants.find("books") === undefined);
    expect(warnings).toEqual([]);
  });

  it("keeps the gateway while key and pace stay, and makes another one when they change", async () => {
    const path = merchantsFile([books, { ...toys, stripeSecretKey: "file:key" }], { key: environment.TOYS_KEY });
    const { merchants } = opened(path);
    const [first, second] = merchants.all();
    write(path, [
      { ...books, limits: { usd: 1 } },
      { ...toys, stripeSecretKey: "file:key", limits: { usd: 1 } },
    ]);
    await until(() => merchants.find("toys")?.limits !== null);
    expect(merchants.find("books")?.stripe).toBe(first?.stripe);
    expect(merchants.find("toys")?.stripe).toBe(second?.stripe);
    writeBeside(path, "key", `sk_live_other${canary}`);
    await until(() => merchants.find("toys")?.mode === "live");
    expect(merchants.find("books")?.stripe).toBe(first?.stripe);
    expect(merchants.find("toys")?.stripe).not.toBe(second?.stripe);
    write(path, [{ ...books, requestsPerSecond: 7 }]);
    await until(() => merchants.find("toys") === undefined);
    expect(merchants.find("books")?.stripe).not.toBe(first?.stripe);
  });

  it("in a secret's file counts, too", async () => {
    const path = merchantsFile([{ ...books, webhookSecrets: ["file:webhooks"] }], { webhooks: "whsec_1" });
    const { merchants } = opened(path);
    const edge = openedByEdge(path).merchants;
    writeBeside(path, "webhooks", "whsec_2, whsec_1\n");
    const expected = ["whsec_2", "whsec_1"];
    await until(() => String(merchants.find("books")?.webhookSecrets) === String(expected));
    await until(() => String(edge.all()[0]?.webhookSecrets) === String(expected));
    expect(edge.all()).toEqual([{ id: "books", mode: "test", webhookSecrets: expected }]);
  });

  it("that can't be used leaves the merchants as they were, and is told once", async () => {
    const path = merchantsFile([{ ...books, webhookSecrets: ["file:webhooks"] }], { webhooks: "whsec_1" });
    const { merchants, warnings } = opened(path);
    const before = merchants.find("books");
    write(path, [{ ...books, stripeSecretKey: `sk_live_${canary}` }]);
    await until(() => warnings.length === 1);
    await delay(aLookMs);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^MERCHANTS_FILE .*merchants\.json: \/merchants\/0\/stripeSecretKey must say .* The merchants that were read before stay as they were\.$/,
      ),
    ]);
    expect(warnings.join()).not.toContain(canary);
    expect(merchants.find("books")).toBe(before);
    write(path, [{ ...books, webhookSecrets: ["file:webhooks"] }]);
    await delay(aLookMs);
    writeBeside(path, "webhooks", canary);
    await until(() => warnings.length === 2);
    expect(warnings[1]).toMatch(/\/merchants\/0\/webhookSecrets\/0 leads to a value that can't be used/);
    rmSync(path);
    await until(() => warnings.length === 3);
    expect(warnings[2]).toMatch(/merchants\.json does not exist\. The merchants that were read before/);
    write(path, [toys]);
    await until(() => merchants.find("toys") !== undefined);
    expect(warnings).toHaveLength(3);
    expect(warnings.join()).not.toContain(canary);
  });

  it("doesn't count once it is closed", async () => {
    const path = merchantsFile([books]);
    const { merchants } = opened(path);
    merchants.close();
    write(path, [toys]);
    await delay(aLookMs);
    expect(merchants.find("books")).toBeDefined();
  });

  it.skipIf(process.platform === "win32")("that lets others write it is told", async () => {
    const path = merchantsFile([books]);
    const { warnings } = opened(path);
    chmodSync(path, 0o644);
    await delay(aLookMs);
    expect(warnings).toEqual([]);
    chmodSync(path, 0o664);
    await until(() => warnings.length > 0);
    await delay(aLookMs);
    expect(warnings).toEqual([
      expect.stringMatching(/is open to other users \(mode 0664\): whoever writes it can .*chmod go-w/),
    ]);
  });
});

describe("the edge", () => {
  const keyless = { BOOKS_WEBHOOKS: environment.BOOKS_WEBHOOKS };

  it("needs no Stripe key where the file says the mode", () => {
    const path = merchantsFile([
      { ...books, mode: "live", notifyUrl: "https://a.example", notifySecret: "env:NOTIFY" },
    ]);
    expect(openedByEdge(path, { environment: keyless }).merchants.all()).toEqual([
      { id: "books", mode: "live", webhookSecrets: [environment.BOOKS_WEBHOOKS] },
    ]);
  });

  it("reads the mode off the key where it can", () => {
    const path = merchantsFile([{ ...books, stripeSecretKey: "env:LIVE_KEY" }]);
    expect(openedByEdge(path).merchants.all()).toMatchObject([{ id: "books", mode: "live" }]);
  });

  it("refuses a merchant of an unknown mode, and one without webhook secrets", () => {
    const path = merchantsFile([books, { ...toys, mode: "test" }]);
    expect(problemsOf(() => openedByEdge(path, { environment: keyless }))).toEqual([
      expect.stringMatching(
        /\/merchants\/0\/mode is missing, and the Stripe key that would tell it can't be read here\. Expected test or live/,
      ),
      expect.stringMatching(/\/merchants\/1\/webhookSecrets\/0 names a variable that is not set/),
    ]);
  });

  it("keeps what it read when the file can't be used any more", async () => {
    const path = merchantsFile([books]);
    const { merchants, warnings } = openedByEdge(path);
    writeFileSync(path, "{");
    await until(() => warnings.length > 0);
    expect(merchants.all()).toMatchObject([{ id: "books" }]);
  });
});
