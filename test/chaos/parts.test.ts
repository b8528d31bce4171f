/** The parts of a fault run that can be looked at alone. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { accountAt, drawDoors, drawSeats, keyNames, seats } from "./accounts.ts";
import { members } from "./cast.ts";
import { callsOf, ClientLog, readClientLog } from "./clientLog.ts";
import { diceOf } from "./dice.ts";
import { invocationOf } from "./doorbells.ts";
import { withCallersKeys } from "./edgeKeys.ts";
import { drawBlows } from "./nemesis.ts";
import { readOptions } from "./options.ts";
import { engineKeyOf } from "../../src/edge/callIdentity.ts";
import { drawOutages } from "./outages.ts";
import { noSecretIsKept } from "./invariants.ts";
import { invocation } from "./sampleRun.ts";
import { clientSecretMark } from "./secretPlaces.ts";
import { search } from "./secretSearch.ts";
import { faultOrders } from "./stripeFaults.ts";
import { drawPlans, kinds, outagesOf } from "./work.ts";

describe("what a seed draws", () => {
  it("is the same for the same seed, and another for another", () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it("has every kind of payment, each with a name of its own", () => {
    const plans = drawPlans(diceOf(1, "work"), 100);
    expect(new Set(plans.map(({ kind }) => kind))).toEqual(new Set(kinds));
    expect(new Set(plans.map(({ name }) => name)).size).toBe(100);
  });

  it("has outages that outlast the deadlines of those that meet them, one group of payments each", () => {
    const lastsMs = drawOutages(diceOf(1, "outages"), outagesOf(300));
    expect(lastsMs).toHaveLength(3);
    const plans = drawPlans(diceOf(1, "work"), 300);
    expect(plans).toHaveLength(300);
    for (const [outage, ms] of lastsMs.entries()) {
      const met = plans.flatMap((plan, index) => (plan.outage === outage ? [{ ...plan, index }] : []));
      expect(met.at(-1)?.index).toBe((met[0]?.index ?? 0) + met.length - 1);
      expect(new Set(met.map(({ kind }) => kind)).size).toBe(2);
      expect(Math.max(...met.map(({ timeoutSeconds }) => timeoutSeconds)) * 1000).toBeLessThan(ms);
    }
  });

  it("kills and stops every process, in the order of the payments", () => {
    const blows = drawBlows(diceOf(1, "blows"), 300, 6);
    expect(blows.filter(({ kind }) => kind === "kill")).toHaveLength(6);
    for (const kind of ["kill", "stop"]) {
      const hit = blows.filter((blow) => blow.kind === kind).map(({ victim }) => victim);
      expect(new Set(hit)).toEqual(new Set(members));
    }
    const points = blows.map(({ atPayment }) => atPayment);
    expect(points).toEqual(points.toSorted((a, b) => a - b));
    expect(points.every((point) => point >= 1 && point <= 300)).toBe(true);
  });

  it("lets every fault fall equally often", () => {
    const orders = faultOrders(0.2).filter(({ target }) => target === "api");
    let left = 1;
    const falls = orders.map(({ probability = 0 }) => {
      const falling = left * probability;
      left -= falling;
      return falling;
    });
    expect(new Set(falls.map((fall) => fall.toFixed(6)))).toEqual(new Set(["0.020000"]));
  });
});

describe("the accounts of payments", () => {
  const plans = drawPlans(diceOf(1, "work"), 300);
  const seated = drawSeats(1, plans);
  const count = (name: string) => [...seated.values()].filter((seat) => seat.name === name).length;

  it("are all met, the default one the most", () => {
    for (const { name } of seats) expect(count(name)).toBeGreaterThan(0);
    expect(Math.max(...seats.map(({ name }) => count(name)))).toBe(count("default"));
    expect(drawSeats(1, plans)).toEqual(seated);
    expect(drawSeats(2, plans)).not.toEqual(seated);
  });

  it("are another one for each payment of one reference", () => {
    const twins = plans.filter(({ twinOf }) => twinOf !== null);
    expect(twins.length).toBeGreaterThan(5);
    for (const { name, twinOf, reference } of twins) {
      expect(reference).toBe(twinOf);
      expect(seated.get(name)).not.toBe(seated.get(twinOf ?? ""));
    }
    const asked = plans.map(({ name, reference }) => `${seated.get(name)?.name} ${reference}`);
    expect(new Set(asked).size).toBe(plans.length);
  });

  it("have the same keys where two merchants use one reference at the edge, and nowhere else", () => {
    const doors = drawDoors(1, plans);
    const names = keyNames(plans, seated, (name) => doors.get(name) === "edge");
    const shared = plans.filter(({ name }) => names.get(name) !== name);
    expect(shared.length).toBeGreaterThan(0);
    for (const { name, twinOf } of shared) {
      expect(names.get(name)).toBe(twinOf);
      expect([doors.get(name), doors.get(twinOf ?? "")]).toEqual(["edge", "edge"]);
      expect(seated.get(name)?.merchant).not.toBe(seated.get(twinOf ?? "")?.merchant);
    }
    const ingress = plans.filter(({ name }) => doors.get(name) === "ingress");
    expect(ingress.every(({ name }) => names.get(name) === name)).toBe(true);
  });

  it("are those that the sandbox made", () => {
    const merchants = [{ id: "toys", ownAccount: "acct_1", connected: ["acct_2", "acct_3"], isTold: true }];
    const accountOf = (name: string) => accountAt(seats.find((seat) => seat.name === name) ?? fail(), merchants);
    expect(accountOf("toys")).toEqual({ merchant: "toys", stripeAccount: null });
    expect(accountOf("toys/1")).toEqual({ merchant: "toys", stripeAccount: "acct_2" });
    expect(() => accountOf("books/1")).toThrow("There is no account books/1");
  });
});

it("a doorbell tells whose it is", () => {
  const address = "sign_11n0GiHgXXocBoijXZUwmQ1ymnjWG_XDdAAAAEQ";
  expect(invocationOf(address)).toBe("inv_1bCyBZ8E92jY6JQWl9YsJPaPX55ZLh6hFf");
  expect(invocationOf("sign_1")).toBeNull();
});

it("two merchants' calls under one key at the edge are told apart", () => {
  const calls = [
    { key: "own", sentAs: "shared", body: {} },
    { key: "theirs", sentAs: "shared", body: { merchant: "toys" } },
  ];
  const invocations = ["default", "toys"].map((merchant) =>
    invocation("processPayment", engineKeyOf("installation", { merchant, name: "" }, "shared"), merchant),
  );
  const named = withCallersKeys(invocations, "installation", calls);
  expect(named.map(({ id, idempotencyKey }) => [id, idempotencyKey])).toEqual([
    ["default", "own"],
    ["toys", "theirs"],
  ]);
});

describe("the options", () => {
  it("have a seed, drawn unless given", () => {
    expect(readOptions(["--seed", "42"])).toMatchObject({ seed: 42, payments: 300, kills: 6, faults: 0.1 });
    expect(readOptions([]).seed).toBeGreaterThanOrEqual(0);
  });

  it.each([
    [["--payments", "none"], /payments/],
    [["--faults", "2"], /faults/],
    [["--unknown"], /--unknown/],
  ])("refuse %o", (argv, message) => {
    expect(() => readOptions(argv)).toThrow(message);
  });
});

it("the clients' log gives each call with its attempts and its answer", () => {
  const dir = mkdtempSync(join(tmpdir(), "chaos-"));
  try {
    const path = join(dir, "callers.jsonl");
    const log = new ClientLog(path);
    log.append("p1", "k1", { type: "intent", handler: "processPayment", body: { amount: 1 } });
    log.append("p1", "k1", { type: "unanswered", why: "cut" });
    log.append("p1", "k2", { type: "intent", handler: "awaitPayment", body: {} });
    log.append("p1", "k1", { type: "cancel", invocationId: "inv_1" });
    log.append("p1", "k1", { type: "answer", answer: { status: 200, body: { status: "succeeded" } } });
    log.close();
    expect(callsOf(readClientLog(path))).toMatchObject([
      { key: "k1", attempts: 2, wasCancelled: true, answer: { status: 200 } },
      { key: "k2", attempts: 1, wasCancelled: false, answer: null },
    ]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

describe("the search for secrets", () => {
  const secrets = { "API key": "sk_test_canary" };
  const hex = Buffer.from("x sk_test_canary y").toString("hex");

  it.each([
    ["in one piece", ["a sk_test_canary b"], false],
    ["over the edge of two pieces", ["a sk_test", "_canary b"], false],
    ["byte by byte", "a sk_test_canary b".split(""), false],
    ["in hexadecimal digits", [hex.slice(0, 11), hex.slice(11)], true],
  ])("finds one %s, once", async (_how, pieces, isHex) => {
    const place = await search(
      "here",
      pieces.map((piece) => Buffer.from(piece)),
      { secrets, marker: null, isHex },
    );
    expect(place.found.map(({ secret }) => secret)).toEqual(["API key"]);
    expect(place.bytes).toBe(pieces.join("").length);
  });

  it("sees a client secret in a page's address, in an entry as the engine's tables show it", async () => {
    const page =
      "https://hooks.stripe.com/3d_secure_2/hosted?merchant=acct_1&payment_intent_client_secret=pi_1_secret_Ab1";
    const answer = Buffer.from(JSON.stringify({ status: "requires_action", nextAction: { redirectUrl: page } }));
    const row = Buffer.from(JSON.stringify({ id: "inv_1", name: "", raw: answer.toString("hex") }));
    const wanted = { "client secret": clientSecretMark };
    const place = await search("journal", [row], { secrets: wanted, marker: clientSecretMark, isHex: true });
    expect(place).toMatchObject({ markers: 1, found: [{ secret: "client secret" }] });
    expect(noSecretIsKept([place]).violations).toHaveLength(1);
    // Where customers were sent to pages, a search of their answers that sees no client secret is blind.
    const blind = await search("answers to customers", [Buffer.from("{}")], { secrets: {}, marker: clientSecretMark });
    expect(noSecretIsKept([blind]).violations).toHaveLength(1);
  });

  it("counts the mark wherever it is, and finds nothing where nothing is", async () => {
    const pieces = ["mark ma", "rk", " sk_test_other mark"].map((piece) => Buffer.from(piece));
    const place = await search("here", pieces, { secrets, marker: "mark" });
    expect(place).toMatchObject({ markers: 3, found: [] });
  });
});

function fail(): never {
  throw new Error("There is no such account.");
}

function draw(seed: number) {
  return [drawPlans(diceOf(seed, "work"), 100), drawBlows(diceOf(seed, "blows"), 100, 8)];
}
