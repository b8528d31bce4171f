import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "../../src/dev/ports.ts";
import { openHouse, type House } from "./house.ts";
import { readJournals, type Journal } from "./journal.ts";
import { kindOf, type KindId } from "./kinds.ts";
import { clientOf } from "./load.ts";
import { openSandbox, type BenchSandbox } from "./stripe.ts";

let folder: string;
let sandbox: BenchSandbox;
let house: House;
let tap: Awaited<ReturnType<typeof openTap>>;
let journals: readonly Journal[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bench-fixtures-"));
  const [port = 0, tapPort = 0] = await freePorts(2);
  sandbox = await openSandbox({ folder, port, settlementDelayMs: 3_600_000, profileDir: null });
  tap = await openTap(tapPort, sandbox.url);
  house = await openHouse({
    folder,
    name: "engine",
    sandbox: { ...sandbox, url: tap.url },
    withFixtures: true,
    profileDir: null,
  });
  journals = await readJournals(house, sandbox);
});

afterAll(async () => {
  await house?.close();
  await sandbox?.stop();
  tap?.close();
  await rm(folder, { recursive: true, force: true });
});

describe("the honest limit", () => {
  it.each([
    ["at once", "c", "b"],
    ["by webhook", "e", "b2"],
  ] as const)("keeps the same journal as a payment settled %s, in as many bytes", (_how, of, to) => {
    // A ring comes as early as it likes, before or after the timers are set.
    const ours = entriesOf(of).toSorted(inOrder);
    const limit = entriesOf(to).toSorted(inOrder);
    expect(ours.length).toBeGreaterThan(3);
    expect(limit.map(({ type, name }) => ({ type, name }))).toEqual(ours.map(({ type, name }) => ({ type, name })));
    for (const [index, { bytes }] of ours.entries())
      expect(Math.abs(bytes - (limit[index]?.bytes ?? 0))).toBeLessThan(5);
  });

  it.each([
    ["at once", "c", "b", 1],
    ["by webhook", "e", "b2", 2],
  ] as const)("sends Stripe the same bytes as a payment settled %s", async (_how, of, to, requests) => {
    const ours = await sentBy(of);
    const limit = await sentBy(to);
    expect(ours).toHaveLength(requests);
    expect(ours[0]?.body).toContain("payment_method=pm_card_visa");
    expect(limit).toEqual(ours);
  });

  it("leaves out nothing but the step that fixes the request in its variant", () => {
    const withoutFixing = entriesOf("b").filter((_, index) => index !== 1 && index !== 2);
    expect(entriesOf("b0").map(({ type, name }) => ({ type, name }))).toEqual(
      withoutFixing.map(({ type, name }) => ({ type, name })),
    );
  });
});

describe("the sample", () => {
  it.each(["f1", "f2", "f3"] as const)("answers that the payment succeeded (%s)", async (id) => {
    expect(await answerOf(id)).toEqual({ status: "succeeded" });
  });

  it("keeps the whole PaymentIntent in its journal, and is woken by a webhook only where it waits", () => {
    expect(entriesOf("f1").map(({ type }) => type)).toEqual([
      "Command: Input",
      "Command: Run",
      "Notification: Run",
      "Command: Output",
    ]);
    expect(entriesOf("f3").map(({ type }) => type)).toContain("Notification: Signal");
    expect(entriesOf("f1")[2]?.bytes).toBeGreaterThan(1000);
  });

  it("declines what Stripe declines, and refuses webhooks that it can't verify", async () => {
    const declined = await post("/benchSample/processPayment", {
      paymentMethodId: "pm_card_visa_chargeDeclined",
      amount: 109,
    });
    expect(declined).toMatchObject({ status: 500, text: expect.stringContaining("Your card was declined") as string });
    expect(await post("/benchSample/processWebhook", {})).toMatchObject({ status: 400 });
  });
});

it("settles our own kinds as their names say", async () => {
  expect(await answerOf("c")).toMatchObject({ status: "succeeded", settledBy: "response" });
  expect(await answerOf("d")).toMatchObject({ status: "succeeded", settledBy: "response" });
  expect(await answerOf("e")).toMatchObject({ status: "succeeded", settledBy: "webhook" });
});

const inOrder = (one: { readonly type: string }, other: { readonly type: string }) =>
  one.type.localeCompare(other.type);

function entriesOf(id: KindId) {
  return journals.find(({ kind }) => kind === id)?.entries ?? [];
}

async function answerOf(id: KindId): Promise<unknown> {
  const kind = kindOf(id);
  await sandbox.deliverTo(kind.webhooks === "none" ? null : house.endpoints[kind.webhooks]);
  const client = clientOf(house.ingressUrl);
  const before = sandbox.deliveries().all;
  const answer: unknown = JSON.parse(await client.post(kind.call));
  await sandbox.untilDelivered();
  client.close();
  expect(sandbox.deliveries().all - before).toBe(kind.webhooks === "none" ? 0 : 1);
  return answer;
}

async function sentBy(id: KindId): Promise<readonly Sent[]> {
  tap.sent.length = 0;
  await answerOf(id);
  return [...tap.sent];
}

async function post(path: string, body: unknown): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${house.ingressUrl}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

type Sent = { readonly line: string; readonly headers: readonly string[]; readonly body: string };

/** Passes requests on to the sandbox and keeps what was sent, with the ids that differ from call to call made alike. */
async function openTap(port: number, target: string) {
  const sent: Sent[] = [];
  const passOn = async (request: IncomingMessage): Promise<Response> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    sent.push({
      line: withoutIds(`${request.method} ${request.url}`),
      headers: request.rawHeaders.map(withoutIds),
      body: withoutIds(body),
    });
    const { authorization = "", "idempotency-key": key, "content-type": type } = request.headers;
    return await fetch(`${target}${request.url}`, {
      method: request.method ?? "GET",
      headers: {
        authorization,
        ...(type === undefined ? {} : { "content-type": type }),
        ...(typeof key === "string" && { "idempotency-key": key }),
      },
      ...(body !== "" && { body }),
    });
  };
  const server = createServer((request, response) => void answer(request, response));
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const passed = await passOn(request);
    response.writeHead(passed.status, { "content-type": "application/json" }).end(await passed.text());
  };
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, sent, close };
}

function withoutIds(text: string): string {
  return text
    .replaceAll(/pi_\w{20,}/g, "pi_…")
    .replaceAll(/inv_1\w{33}/g, "inv_…")
    .replaceAll(/\bin_\w{20}/g, "in_…")
    .replaceAll(/sign_1[\w-]{38}/g, "sign_…")
    .replaceAll(/^[\w-]{43}$/g, "key…");
}
