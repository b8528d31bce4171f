/** The doctor's judgements, in tables: what was seen, and what is said of it. */
import { describe, expect, it } from "vitest";
import { judgeDeliveries, type DeliveriesQuestion } from "../../../src/operator/doctor/findings/deliveries.ts";
import {
  judgeDeployments,
  judgeReceiver,
  type DeploymentsQuestion,
} from "../../../src/operator/doctor/findings/deployments.ts";
import { judgeEndpoints, type EndpointsQuestion } from "../../../src/operator/doctor/findings/endpoints.ts";
import { judgeVersion } from "../../../src/operator/doctor/findings/engine.ts";
import { exitCodeOf, ok, warning, wrong, type Finding } from "../../../src/operator/doctor/findings/finding.ts";
import { judgeInvocations, type InvocationsQuestion } from "../../../src/operator/doctor/findings/invocations.ts";
import { judgePermissions } from "../../../src/operator/doctor/findings/permissions.ts";
import { judgeReconciler, type ReconcilerQuestion } from "../../../src/operator/doctor/findings/reconciler.ts";
import { judgeSignatures } from "../../../src/operator/doctor/findings/signatures.ts";
import { judgeClock, judgeKey } from "../../../src/operator/doctor/findings/stripeKey.ts";
import { judgeOpenFiles } from "../../../src/operator/doctor/findings/openFiles.ts";
import type { FileLimit } from "../../../src/operator/engine/openFiles.ts";
import { judgeWebhookPath } from "../../../src/operator/doctor/findings/webhookPath.ts";

import { judgeEdge, type EdgeAnswer } from "../../../src/operator/doctor/findings/edge.ts";

const said = (findings: readonly Finding[]) => findings.map(({ verdict, message }) => `${verdict}: ${message}`);
const trouble = (findings: readonly Finding[]) => findings.filter(({ verdict }) => verdict !== "ok");
const settings = { key: "STRIPE_SECRET_KEY", secrets: "STRIPE_WEBHOOK_SECRET", shell: "$STRIPE_SECRET_KEY" };
const minuteMs = 60_000;
const nowMs = Date.UTC(2026, 10, 25);

it("ends with 1 only if something is wrong", () => {
  expect(exitCodeOf([ok("a", "")])).toBe(0);
  expect(exitCodeOf([ok("a", ""), warning("b", "", "")])).toBe(0);
  expect(exitCodeOf([warning("b", "", ""), wrong("c", "", "")])).toBe(1);
});

it.each([
  ["1.7.12", "ok"],
  ["1.8.0", "ok"],
  ["2.0.1", "ok"],
  ["1.6.2", "warning"],
  ["0.9.0", "warning"],
])("says of engine %s: %s", (version, verdict) => {
  expect(judgeVersion(version, "http://engine:9070").verdict).toBe(verdict);
});

it.each([
  [0, "ok"],
  [minuteMs, "ok"],
  [-minuteMs - 1, "warning"],
  [5 * minuteMs, "warning"],
  [-5 * minuteMs - 1, "wrong"],
])("says of a clock that is %i ms ahead: %s", (aheadMs, verdict) => {
  expect(judgeClock(aheadMs)).toMatchObject([{ verdict }]);
});

it.each([
  ["refused", true, "live", "ok"],
  ["refused", false, "live", "ok"],
  ["accepted", true, "test", "wrong"],
  ["accepted", false, "test", "ok"],
  ["accepted", false, "live", "warning"],
  ["unreachable", true, "live", "ok"],
  ["unreachable", false, "live", "warning"],
] as const)(
  "says of an unsigned request that is %s, keys set %s, %s mode: %s",
  (unsigned, areKeysSet, mode, verdict) => {
    expect(judgeSignatures({ address: "http://service/", unsigned, areKeysSet, mode }).verdict).toBe(verdict);
  },
);

it.each([
  [undefined, [], "warning"],
  ["http://ingress", [], "warning"],
  ["http://ingress", [{ kind: "answered", status: 200 }], "ok"],
  [
    "http://ingress",
    [
      { kind: "answered", status: 200 },
      { kind: "answered", status: 400 },
    ],
    "wrong",
  ],
  ["http://ingress", [{ kind: "answered", status: 401 }], "warning"],
  ["http://ingress", [{ kind: "answered", status: 404 }], "wrong"],
  ["http://ingress", [{ kind: "unreachable", message: "no connection" }], "wrong"],
] as const)("says of a webhook at %s, answered %j: %s", (ingress, answers, verdict) => {
  expect(judgeWebhookPath(ingress, answers, "STRIPE_WEBHOOK_SECRET").verdict).toBe(verdict);
});

describe("the Stripe key", () => {
  const account = { kind: "account", mode: "live", apiBase: undefined, settings } as const;
  const sandbox = { kind: "sandbox", mode: "test", apiBase: "http://127.0.0.1:12111", settings } as const;
  const seen = { kind: "answered", answer: { accountId: "acct_1", clockAheadMs: 0 } } as const;
  it.each([
    [account, seen, "ok", /account acct_1, live mode/],
    [sandbox, seen, "ok", /sandbox at http:\/\/127\.0\.0\.1:12111/],
    [
      account,
      { kind: "refused", problem: "rejected", message: "Stripe rejects the API key (401)." },
      "wrong",
      /pauses/,
    ],
    [account, { kind: "refused", problem: "forbidden", message: "no" }, "warning", /Payments don't need that/],
    [account, { kind: "unavailable", message: "Stripe failed (500)." }, "wrong", /could not be asked: Stripe failed/],
  ] as const)("%o, %o: %s", (stripe, answer, verdict, message) => {
    expect(judgeKey(stripe, answer)).toMatchObject({ verdict, message: expect.stringMatching(message) });
  });
});

describe("permissions", () => {
  const need = { resource: "Disputes", access: "read", neededBy: ["payments/getDispute", "paymentNotifier"] } as const;
  const question = { handlersInUse: [] as string[], areNotificationsOn: false, mode: "test" as const };
  it.each([
    ["granted", question, "ok"],
    ["unknown", question, "warning"],
    ["missing", question, "warning"],
    ["missing", { ...question, handlersInUse: ["payments/getDispute"] }, "wrong"],
    ["missing", { ...question, areNotificationsOn: true }, "wrong"],
    ["missing", { ...question, handlersInUse: ["paymentNotifier/look"] }, "wrong"],
  ] as const)("says of one that is %s, with %o: %s", (answer, asked, verdict) => {
    expect(judgePermissions({ ...asked, answers: [{ need, answer }] })).toMatchObject([{ verdict }]);
  });
});

describe("deployments", () => {
  const payments = { name: "payments", handlers: ["pay", "read"] };
  const offered = { ...payments, type: "Service" };
  const current = {
    id: "dp_1",
    address: "http://service/",
    usesHttp1: false,
    services: ["payments"],
    discovery: { kind: "offers" as const, services: [offered] },
    registered: [payments],
    pinned: 2,
  };
  const question: DeploymentsQuestion = {
    deployments: [current],
    services: [{ ...offered, deploymentId: "dp_1" }],
    offer: [payments],
    localAddress: "http://127.0.0.1:9080",
    cli: "npx restate",
  };
  const gone = { kind: "unreachable" as const, message: "refused" };
  it.each<[string, DeploymentsQuestion, readonly RegExp[]]>([
    ["all is well", question, [/^ok: .* \(2 handlers\)/]],
    ["nothing is registered", { ...question, deployments: [], services: [] }, [/^wrong: .* not registered/]],
    [
      "the service is down",
      { ...question, deployments: [{ ...current, discovery: gone }] },
      [/^wrong: .* 2 invocations wait/],
    ],
    [
      "an old version is gone that is needed",
      { ...question, deployments: [current, { ...current, id: "dp_0", discovery: gone }] },
      [/^wrong: .* an older version/],
    ],
    [
      "an old version is gone that nobody needs",
      { ...question, deployments: [current, { ...current, id: "dp_0", pinned: 0, discovery: gone }] },
      [/^ok/, /^warning: .* nothing waits for it/],
    ],
    [
      "the engine signs with another key",
      { ...question, deployments: [{ ...current, discovery: { kind: "unauthorized" } }] },
      [/^wrong: .* RESTATE_IDENTITY_KEYS/],
    ],
    [
      "other code was started at the address",
      {
        ...question,
        deployments: [{ ...current, discovery: { kind: "offers", services: [{ ...offered, handlers: ["pay"] }] } }],
      },
      [/^wrong: .* another version than the one that was registered/],
    ],
    [
      "this checkout is newer",
      { ...question, offer: [{ name: "payments", handlers: ["pay", "read", "new"] }] },
      [/^ok/, /^warning: .* not that of this checkout/],
    ],
  ])("%s", (_what, asked, expected) => {
    expect(said(judgeDeployments(asked))).toEqual(expected.map((message) => expect.stringMatching(message)));
  });

  it("knows whether the merchant's own receiver is registered", () => {
    expect(judgeReceiver({ service: "payments", handler: "read" }, [payments])).toEqual([]);
    expect(judgeReceiver({ service: "orders", handler: "on" }, [payments])).toMatchObject([{ verdict: "wrong" }]);
  });
});

describe("open files", () => {
  it.each<[string, FileLimit | null | undefined, string]>([
    ["an engine elsewhere", null, "ok"],
    ["a system that doesn't tell", undefined, "ok"],
    ["no limit", { limit: Number.POSITIVE_INFINITY, pid: 7, open: 9000 }, "ok"],
    ["a server's limit", { limit: 65_536, pid: 7, open: 300 }, "ok"],
    ["a login's limit", { limit: 1024, pid: 7, open: 60 }, "warning"],
    ["a login's limit, of whom is not known", { limit: 1024, pid: null, open: null }, "warning"],
    ["a server's limit that is nearly reached", { limit: 65_536, pid: 7, open: 60_000 }, "warning"],
  ])("says of %s", (_what, seen, verdict) => {
    const finding = judgeOpenFiles(seen);
    expect(finding.verdict).toBe(verdict);
    expect([finding.message, ...finding.remedies].join("\n")).toMatch(/every connection takes one|LimitNOFILE=65536/);
  });
});

describe("webhook endpoints", () => {
  const endpoint = {
    id: "we_1",
    url: "https://pay.example/payments/processWebhook",
    isEnabled: true,
    eventTypes: ["a", "b"],
    apiVersion: "v1",
    isConnect: false,
  };
  const connect = { ...endpoint, id: "we_connect", isConnect: true };
  const question: EndpointsQuestion = {
    endpoints: [endpoint],
    webhookUrl: undefined,
    neededTypes: ["a", "b"],
    apiVersion: "v1",
    paths: ["/payments/processWebhook", "/webhooks/default"],
    stripe: { kind: "account", mode: "live", apiBase: undefined, settings },
  };
  const test = { kind: "account", mode: "test", apiBase: undefined, settings } as const;
  const of = (changed: Partial<typeof endpoint>) => ({ ...question, endpoints: [{ ...endpoint, ...changed }] });
  it.each<[string, EndpointsQuestion, readonly string[]]>([
    ["exactly right", question, ["ok"]],
    ["with types in another order", of({ eventTypes: ["b", "a"] }), ["ok"]],
    ["at the path of the edge", of({ url: "https://pay.example/webhooks/default" }), ["ok"]],
    ["at the path of another merchant", of({ url: "https://pay.example/webhooks/books" }), ["wrong"]],
    ["too few types", of({ eventTypes: ["a"] }), ["wrong"]],
    ["too many types", of({ eventTypes: ["a", "b", "c"] }), ["warning"]],
    ["too few and too many", of({ eventTypes: ["a", "c"] }), ["wrong", "warning"]],
    ["every type", of({ eventTypes: ["*"] }), ["warning"]],
    ["every type, in the sandbox", { ...of({ eventTypes: ["*"] }), stripe: { ...test, kind: "sandbox" } }, ["ok"]],
    ["another version", of({ apiVersion: "v0" }), ["warning"]],
    ["the account's version", of({ apiVersion: null as never }), ["warning"]],
    ["disabled", of({ isEnabled: false }), ["wrong"]],
    ["none, live", { ...question, endpoints: [] }, ["wrong"]],
    ["none, in test mode", { ...question, endpoints: [], stripe: test }, ["warning"]],
    ["of other paths", of({ url: "https://pay.example/other" }), ["wrong"]],
    ["not at the address that is set", { ...question, webhookUrl: "https://else.example/", stripe: test }, ["wrong"]],
    ["one for connected accounts beside it", { ...question, endpoints: [endpoint, connect] }, ["ok"]],
    ["one for connected accounts only", { ...question, endpoints: [connect] }, ["wrong"]],
    ["two for connected accounts", { ...question, endpoints: [endpoint, connect, connect] }, ["warning"]],
    ["two", { ...question, endpoints: [endpoint, { ...endpoint, id: "we_2" }] }, ["warning"]],
  ])("%s", (_what, asked, verdicts) => {
    expect(judgeEndpoints(asked).map(({ verdict }) => verdict)).toEqual(verdicts);
  });
});

describe("webhook deliveries", () => {
  const event = (ageMs: number, isPending = false) => ({
    id: `evt_${ageMs}`,
    type: "payment_intent.succeeded",
    createdAtMs: nowMs - ageMs,
    isPending,
  });
  const well: DeliveriesQuestion = {
    delivered: [event(9000)],
    undelivered: [],
    refusals: null,
    secrets: settings.secrets,
    nowMs,
  };
  const refusals = { count: 2, message: "The signature matches none" };
  it.each<[string, DeliveriesQuestion, readonly RegExp[]]>([
    ["all arrive", well, [/^ok: Webhooks arrive/]],
    ["none was sent", { ...well, delivered: [] }, [/^ok: No webhook has failed/]],
    ["one is on its way", { ...well, undelivered: [event(5000, true)] }, [/^ok/]],
    [
      "one is tried for long",
      { ...well, delivered: [event(10 * minuteMs)], undelivered: [event(2 * minuteMs, true)] },
      [/^wrong: Webhooks don't arrive/],
    ],
    [
      "one was given up, later ones arrived",
      { ...well, undelivered: [event(10 * minuteMs)] },
      [/^warning: .* 1 event /],
    ],
    [
      "nothing ever arrived",
      { ...well, delivered: [], undelivered: [event(10 * minuteMs)] },
      [/^wrong: Webhooks don't arrive/],
    ],
    [
      "they are refused",
      { ...well, undelivered: [event(5000, true)], refusals },
      [/^wrong: The service refuses Stripe's webhooks: 2 times/],
    ],
    ["somebody else's are refused", { ...well, refusals }, [/^ok/, /^warning: .* somebody else/]],
    [
      "somebody else's are refused, and one failed long ago",
      { ...well, undelivered: [event(60 * minuteMs)], refusals },
      [/^warning: Webhooks arrive, but/, /^warning: .* somebody else/],
    ],
  ])("%s", (_what, asked, expected) => {
    expect(said(judgeDeliveries(asked))).toEqual(expected.map((message) => expect.stringMatching(message)));
  });
});

describe("the reconciler", () => {
  const hourMs = 60 * minuteMs;
  const schedule = { nextAtMs: nowMs + 20 * minuteMs, token: "t" };
  const well: ReconcilerQuestion = {
    intervalMs: hourMs,
    schedule,
    reconciledUntilMs: nowMs - 40 * minuteMs,
    events: 3,
    stuck: [],
    nowMs,
  };
  const sinceMs = nowMs - 3 * hourMs;
  it.each<[string, ReconcilerQuestion["stuck"][number], RegExp]>([
    [
      "is paused",
      { stripeAccount: null, isPaused: true, sinceMs },
      /^warning: .*your own account is paused \(for 3h 00m\); the last complete look was 40m 00s ago\. .*30 days only/,
    ],
    [
      "is paused for a connected account",
      { stripeAccount: "acct_1", isPaused: true, sinceMs },
      /^warning: .*connected account acct_1 is paused \(for 3h 00m\)\. /,
    ],
    ["is retried", { stripeAccount: null, isPaused: false, sinceMs }, /^warning: .*is retried/],
  ])("%s", (_what, stuck, expected) => {
    expect(said(judgeReconciler({ ...well, stuck: [stuck] }))).toEqual([
      expect.stringMatching(expected),
      expect.stringMatching(/^ok: /),
    ]);
  });

  it.each<[string, Partial<ReconcilerQuestion>, RegExp]>([
    ["runs", {}, /^ok: .*every 1h 00m; the last look, 40m 00s ago, found 3 undelivered/],
    ["is switched off", { intervalMs: 0 }, /^ok: .*RECONCILE_INTERVAL is 0/],
    ["has not been woken", { schedule: null }, /^ok: .*from the next payment on/],
    ["has not run yet", { reconciledUntilMs: null }, /^ok: .*still to come/],
    ["is late", { schedule: { ...schedule, nextAtMs: nowMs - 2 * hourMs } }, /^warning: .*was due 2h 00m ago/],
    ["keeps an interval of before", { intervalMs: minuteMs }, /^warning: .*RECONCILE_INTERVAL was changed/],
  ])("%s", (_what, more, expected) => {
    expect(said(judgeReconciler({ ...well, ...more }))).toEqual([expect.stringMatching(expected)]);
  });
});

describe("invocations", () => {
  const none = { count: 0, oldest: [] };
  const seen = (failure: InvocationsQuestion["paused"]["oldest"][number]["failure"]) => ({
    count: 12,
    oldest: [{ id: "inv_1", target: "payments/processPayment", sinceMs: nowMs - 90 * minuteMs, failure }],
  });
  const question: InvocationsQuestion = {
    paused: none,
    backingOff: none,
    longWaiting: none,
    notificationsGivenUp: none,
    longWaitMs: 1440 * minuteMs,
    nowMs,
    cli: "npx restate",
  };
  it("has nothing to say where nothing needs anybody", () => {
    expect(trouble(judgeInvocations(question))).toEqual([]);
  });

  it("shows why a call is paused, since when, and the commands for it", () => {
    const failure = {
      message:
        "Stripe rejects the API key (401). Fix STRIPE_SECRET_KEY, restart the service, then: npx restate inv resume inv_1",
      step: "create PaymentIntent",
      code: null,
    };
    const [finding] = trouble(judgeInvocations({ ...question, paused: seen(failure) }));
    expect(finding?.verdict).toBe("wrong");
    expect(finding?.message).toMatch(/^12 calls are paused/);
    expect(finding?.details).toEqual([
      'payments/processPayment inv_1, for 1h 30m: Stripe rejects the API key (401). Fix STRIPE_SECRET_KEY, restart the service. (at "create PaymentIntent")',
      "  npx restate inv resume inv_1    (or end it: npx restate inv cancel inv_1)",
      "… and 11 more",
    ]);
  });

  it.each([
    ["an outage", { message: "Stripe failed (500).", step: null, code: null }, "warning"],
    ["code that does not fit the journal", { message: "mismatch", step: null, code: "RT0016" }, "wrong"],
  ])("takes a call that is retried for %s as it is", (_what, failure, verdict) => {
    expect(trouble(judgeInvocations({ ...question, backingOff: seen(failure) }))).toMatchObject([{ verdict }]);
  });

  it("lists what waits for long, and what was given up, as something to know", () => {
    const findings = judgeInvocations({ ...question, longWaiting: seen(null), notificationsGivenUp: seen(null) });
    expect(trouble(findings).map(({ verdict, details }) => [verdict, details[1]])).toEqual([
      ["warning", "  npx restate inv cancel inv_1"],
      ["warning", "  npx restate inv restart-as-new inv_1"],
    ]);
  });
});

it.each<readonly [EdgeAnswer, readonly string[]]>([
  [{ kind: "ready", isTrustedByService: true }, ["ok"]],
  [{ kind: "ready", isTrustedByService: false }, ["warning"]],
  [{ kind: "not_ready" }, ["wrong"]],
  [{ kind: "no_edge" }, []],
])("says of an edge that is %j: %j", (answer, verdicts) => {
  const findings = judgeEdge("http://127.0.0.1:8080", answer);
  expect(findings.map(({ verdict }) => verdict)).toEqual(verdicts);
});
