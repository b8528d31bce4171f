import { describe, expect, it } from "vitest";
import {
  howToRegister,
  judgeCandidate,
  judgeDeployments,
  type Candidate,
  type EngineState,
} from "../../../src/operator/deploy/judgement.ts";
import type { Discovery } from "../../../src/operator/engine/adminApi.ts";

const payments = { name: "payments", type: "Service", handlers: ["pay", "read"] };
const watcher = { name: "watcher", type: "Service", handlers: ["watch"] };
const orders = { name: "orders", type: "VirtualObject", handlers: ["place"] };
const offers = (...services: (typeof payments)[]): Discovery => ({ kind: "offers", services });

const old = {
  id: "dp_old",
  address: "http://old/",
  usesHttp1: false,
  services: ["payments", "watcher"],
  pinned: 3,
  discovery: offers(payments, watcher),
};
const state: EngineState = {
  deployments: [old],
  services: [
    { ...payments, deploymentId: "dp_old" },
    { ...watcher, deploymentId: "dp_old" },
    { ...orders, deploymentId: "dp_of_somebody_else" },
  ],
  unbegun: [],
  cli: "npx restate",
};
const next = (discovery: Discovery, address = "http://new/"): Candidate => ({ address, discovery });

describe("judgeCandidate", () => {
  it("has nothing against a version that offers what the present one does, or more", () => {
    expect(judgeCandidate(next(offers(payments, watcher)), state)).toEqual([]);
    expect(judgeCandidate(next(offers({ ...payments, handlers: ["pay", "read", "new"] }, watcher)), state)).toEqual([]);
  });

  it.each<[string, Candidate, RegExp]>([
    [
      "an address on which something waits",
      next(offers(payments, watcher), "http://old/"),
      /on which 3 invocations began/,
    ],
    [
      "a version out of reach",
      next({ kind: "unreachable", message: "refused" }),
      /does not get through to http:\/\/new\//,
    ],
    ["a version that expects another engine", next({ kind: "unauthorized" }), /RESTATE_IDENTITY_KEYS/],
    ["what the engine would not take", next({ kind: "refused", message: "type" }), /can't follow what is registered/],
    ["a version without a service", next(offers(payments)), /lacks the service watcher/],
    ["a version without a handler", next(offers({ ...payments, handlers: ["pay"] }, watcher)), /lacks payments\/read/],
    [
      "a service of another kind",
      next(offers({ ...payments, type: "VirtualObject" }, watcher)),
      /payments is a VirtualObject/,
    ],
  ])("refuses %s", (_what, candidate, reason) => {
    const findings = judgeCandidate(candidate, state);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ verdict: "wrong", message: expect.stringMatching(reason) });
    expect(findings[0]?.remedies).not.toEqual([]);
  });

  it("counts what is queued or scheduled for a handler that is gone", () => {
    const unbegun = [
      { service: "payments", handler: "read", count: 2 },
      { service: "payments", handler: "pay", count: 5 },
    ];
    const [finding] = judgeCandidate(next(offers({ ...payments, handlers: ["pay"] }, watcher)), { ...state, unbegun });
    expect(finding?.message).toMatch(/ 2 that are queued or scheduled ask for it\.$/);
  });

  it("lets a known address be registered anew when nothing waits on it, and by force only", () => {
    const drained = { ...state, deployments: [{ ...old, pinned: 0 }] };
    const candidate = next(offers(payments, watcher), "http://old/");
    expect(judgeCandidate(candidate, drained)).toEqual([]);
    expect(howToRegister(candidate, drained).remedies).toEqual([
      "npx restate deployments register --force http://old/",
    ]);
    expect(howToRegister(next(offers(payments, watcher)), drained).remedies).toEqual([
      "npx restate deployments register http://new/",
    ]);
  });
});

describe("judgeDeployments", () => {
  const unreachable: Discovery = { kind: "unreachable", message: "refused" };
  const replaced = { ...old, id: "dp_replaced", address: "http://replaced/" };
  it.each([
    ["the newest one", { ...old }, "ok", /new calls go to it/],
    ["an old one on which something waits", { ...replaced }, "ok", /keep it running/],
    ["an old one on which nothing waits", { ...replaced, pinned: 0 }, "ok", /is drained/],
    ["one that is gone while something waits on it", { ...replaced, discovery: unreachable }, "wrong", /can't go on/],
    ["one that is gone while nothing waits", { ...replaced, pinned: 0, discovery: unreachable }, "ok", /is drained/],
  ] as const)("says of %s what becomes of it", (_what, deployment, verdict, message) => {
    expect(judgeDeployments({ ...state, deployments: [deployment] })).toMatchObject([
      { verdict, message: expect.stringMatching(message) },
    ]);
  });
});
