import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { apiOperation } from "../../src/stripe/apiOperation.ts";
import { NoTurn, Pacer, paceOf, type Asked } from "../../src/stripe/pacing.ts";

const create = apiOperation("POST", "/v1/payment_intents");
const read = apiOperation("GET", "/v1/payment_intents/pi_1");
const refund = apiOperation("POST", "/v1/refunds");
const list = apiOperation("GET", "/v1/payment_intents");
const search = apiOperation("GET", "/v1/payment_intents/search");

describe("paceOf", () => {
  it.each([
    [80, "live", { all: 80, eachOperation: 20, search: 16 }],
    [400, "live", { all: 400, eachOperation: 100, search: 80 }],
    [20, "live", { all: 20, eachOperation: 5, search: 4 }],
    [20, "test", { all: 20, eachOperation: 20, search: 16 }],
    [10, "test", { all: 10, eachOperation: 10, search: 8 }],
    [80, "test", { all: 80, eachOperation: 20, search: 16 }],
  ] as const)("shares %i requests per second of a %s account in Stripe's proportions", (perSecond, mode, pace) => {
    expect(paceOf(perSecond, mode)).toEqual(pace);
  });
});

describe("a pacer", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("lets requests go at once while there is room", async () => {
    const pacer = new Pacer(paceOf(80, "live"));
    const line = lineAt(pacer);
    line.ask("create", { operation: create });
    line.ask("read", { operation: read });
    await vi.advanceTimersByTimeAsync(0);
    expect(line.sent).toEqual(["create", "read"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each<[string, readonly (readonly [string, Asked])[], string]>([
    [
      "the more urgent first",
      [
        ["list", { operation: list }],
        ["read", { operation: read }],
        ["create", { operation: create }],
        ["refund", { operation: refund }],
      ],
      "create refund read list",
    ],
    [
      "of equals the older",
      [
        ["refund", { operation: refund }],
        ["create", { operation: create }],
      ],
      "refund create",
    ],
    [
      "a poll after a read that somebody waits for",
      [
        ["poll", { operation: read, urgency: "later" }],
        ["read", { operation: read }],
        ["list", { operation: list }],
      ],
      "read poll list",
    ],
    [
      "a read in the last moment before all others",
      [
        ["create", { operation: create }],
        ["last read", { operation: read, urgency: "first" }],
        ["read", { operation: read }],
      ],
      "create last read read",
    ],
  ])("gives turns: %s", async (_rule, asked, expected) => {
    const pacer = new Pacer({ all: 10, eachOperation: 10, search: 10 });
    const line = lineAt(pacer);
    line.ask("room", { operation: create });
    for (const [name, each] of asked) line.ask(name, each);
    await vi.advanceTimersByTimeAsync(1000);
    expect(line.sent.join(" ")).toBe(`room ${expected}`);
  });

  it("keeps to the rate of all, of each operation, and of search", async () => {
    const pacer = new Pacer(paceOf(80, "live"));
    const line = lineAt(pacer);
    const all = [
      create,
      read,
      refund,
      list,
      apiOperation("GET", "/v1/refunds/re_1"),
      apiOperation("GET", "/v1/refunds"),
    ];
    for (const operation of all) line.ask(operation.name, { operation, isBooked: true }, 30);
    line.ask("search", { operation: search, isBooked: true }, 30);
    await vi.advanceTimersByTimeAsync(1000);
    expect(line.sent.length).toBeGreaterThanOrEqual(80);
    expect(line.sent.length).toBeLessThanOrEqual(88);
    const ofOperation = (name: string) => line.sent.filter((each) => each === name).length;
    for (const { name } of all) expect(ofOperation(name)).toBeLessThanOrEqual(22);
    expect(ofOperation(create.name)).toBeGreaterThanOrEqual(20);
    await vi.advanceTimersByTimeAsync(3000);
    expect(line.sent).toHaveLength(7 * 30);
  });

  it("keeps to the rate of search", async () => {
    const pacer = new Pacer(paceOf(80, "live"));
    const line = lineAt(pacer);
    line.ask("search", { operation: search }, 30);
    await vi.advanceTimersByTimeAsync(1000);
    expect(line.sent.length).toBeGreaterThanOrEqual(16);
    expect(line.sent.length).toBeLessThanOrEqual(18);
  });

  it("lets an operation go on while another one waits for its own rate", async () => {
    const pacer = new Pacer(paceOf(80, "live"));
    const line = lineAt(pacer);
    line.ask("create", { operation: create }, 50);
    line.ask("read", { operation: read });
    await vi.advanceTimersByTimeAsync(0);
    expect(line.sent.filter((name) => name === "read")).toHaveLength(1);
  });

  it("lets the oldest go now and then while more urgent ones come without end", async () => {
    const pacer = new Pacer(paceOf(20, "test"));
    const line = lineAt(pacer);
    line.ask("poll", { operation: read, urgency: "later" }, 10);
    for (let round = 0; round < 100; round++) {
      line.ask("create", { operation: create }, 2);
      await vi.advanceTimersByTimeAsync(100);
    }
    const polls = line.sent.filter((name) => name === "poll").length;
    expect(polls).toBe(10);
  });

  it("tells thousands who ask at once to come again one by one, and has their turns for them", async () => {
    const pacer = new Pacer(paceOf(80, "live"));
    const dueAtMs: number[] = [];
    let sent = 0;
    let told = 0;
    const ask = async (isBooked: boolean): Promise<void> => {
      try {
        await pacer.turn({ operation: read, isBooked });
        sent += 1;
      } catch (error) {
        if (!(error instanceof NoTurn)) throw error;
        told += 1;
        dueAtMs.push(performance.now() + error.retryAfterMs);
        setTimeout(() => void ask(true), error.retryAfterMs);
      }
    };
    const createWaitsMs: number[] = [];
    const createFive = (): void => {
      for (let each = 0; each < 5; each++) {
        const askedAtMs = performance.now();
        void pacer.turn({ operation: create }).then(() => createWaitsMs.push(performance.now() - askedAtMs));
      }
    };
    const newcomers = 1200;
    for (let second = 0; second < 15; second++) {
      for (let each = 0; each < newcomers / 15; each++) void ask(false);
      createFive();
      await vi.advanceTimersByTimeAsync(1000);
      // Whoever is told to come again waits elsewhere.
      expect(pacer.waiting).toBeLessThanOrEqual(50);
    }
    await vi.advanceTimersByTimeAsync(50_000);
    expect(sent).toBe(newcomers);
    // Meanwhile new payments go as if nobody else asked.
    expect(createWaitsMs).toHaveLength(75);
    expect(Math.max(...createWaitsMs)).toBeLessThanOrEqual(160);
    // Almost everybody is told once, and no turn is lost.
    expect(told).toBeLessThan(newcomers * 1.05);
    expect(pacer.waiting).toBe(0);
    const busiest = Math.max(...counts(dueAtMs.map((atMs) => Math.floor(atMs / 1000))));
    expect(busiest).toBeLessThanOrEqual(30);
  });

  it("doesn't let newcomers wait for turns of requests that don't come again", async () => {
    const pacer = new Pacer(paceOf(80, "live"));
    const line = lineAt(pacer);
    line.ask("gone", { operation: read }, 5000);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(pacer.waiting).toBe(0);
    line.ask("newcomer", { operation: read });
    await vi.advanceTimersByTimeAsync(0);
    expect(line.sent).toContain("newcomer");
  });

  it("keeps nobody in a line for longer than 15 seconds, however slow it has become", async () => {
    const pacer = new Pacer(paceOf(20, "test"));
    const line = lineAt(pacer);
    line.ask("read", { operation: read, isBooked: true }, 40);
    await vi.advanceTimersByTimeAsync(0);
    expect([line.sent.length, line.toldMs.length]).toEqual([2, 0]);
    for (let second = 0; second < 15; second++) {
      pacer.refused(read, "endpoint-rate", performance.now());
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(pacer.waiting).toBe(0);
    expect(line.toldMs.length).toBeGreaterThan(0);
    expect(line.sent.length + line.toldMs.length).toBe(40);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("lets a request leave that nobody waits for any more", async () => {
    const pacer = new Pacer({ all: 1, eachOperation: 1, search: 1 });
    const line = lineAt(pacer);
    const leaving = new AbortController();
    line.ask("room", { operation: create });
    line.ask("leaving", { operation: create, signal: leaving.signal });
    line.ask("staying", { operation: create });
    await vi.advanceTimersByTimeAsync(0);
    leaving.abort(new Error("deadline"));
    await vi.advanceTimersByTimeAsync(1000);
    expect(line.sent).toEqual(["room", "leaving: Error: deadline", "staying"]);
    line.ask("late", { operation: create, signal: leaving.signal });
    await vi.advanceTimersByTimeAsync(0);
    expect(line.sent.at(-1)).toBe("late: Error: deadline");
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    [
      "global-rate",
      40,
      40,
      ["Stripe limits the rate of requests (global-rate). Requests: at most 40 per second for now."],
    ],
    ["global-concurrency", 40, 40, [expect.stringContaining("Requests: at most 40")]],
    ["endpoint-rate", 20, 60, [expect.stringContaining("GET /v1/payment_intents/:id: at most 20 per second")]],
    ["endpoint-concurrency", 20, 60, [expect.stringContaining("(endpoint-concurrency)")]],
    ["resource-specific", 40, 80, []],
  ])("slows down what Stripe limits: %s", async (reason, reads, everything, words) => {
    const said: string[] = [];
    const pacer = new Pacer(
      { all: 80, eachOperation: 40, search: 40 },
      { onSlowed: (sentence) => said.push(sentence) },
    );
    await vi.advanceTimersByTimeAsync(1000);
    pacer.refused(read, reason, performance.now());
    pacer.refused(read, reason, performance.now());
    expect(said).toEqual(words);
    const line = lineAt(pacer);
    line.ask("read", { operation: read }, 100);
    line.ask("create", { operation: create }, 100);
    await vi.advanceTimersByTimeAsync(1000);
    // It recovers by a twentieth in the second, and what was kept for later goes first.
    const sent = line.sent.length;
    expect(sent).toBeGreaterThanOrEqual(everything);
    expect(sent).toBeLessThanOrEqual(everything * 1.15);
    const readsSent = line.sent.filter((name) => name === "read").length;
    expect(readsSent).toBeLessThanOrEqual(reads * 1.15);
  });
});

/** Asks for turns, and notes who had one when, and who was told to come again. */
function lineAt(pacer: Pacer) {
  const sent: string[] = [];
  const toldMs: number[] = [];
  return {
    sent,
    toldMs,
    ask(name: string, asked: Asked, times = 1): void {
      for (let index = 0; index < times; index++) {
        pacer.turn(asked).then(
          () => sent.push(name),
          (error: unknown) => {
            if (!(error instanceof NoTurn)) sent.push(`${name}: ${String(error)}`);
            else toldMs.push(error.retryAfterMs);
          },
        );
      }
    },
  };
}

function counts(values: readonly number[]): readonly number[] {
  return [...Map.groupBy(values, (value) => value).values()].map(({ length }) => length);
}
