/**
 * The road between the service and Stripe, on which each payment has its own weather: Stripe can be down for one and well for
 * the others. A request is a payment's if it names the payment, or anything that was seen to belong to it.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

/** `refuses`: nothing is done. `swallows`: it is done, and the answer is lost. */
export type Outage = "refuses" | "swallows";

export type Weather = Awaited<ReturnType<typeof openWeather>>;

/** How late the answer to a note is that a payment is given up: a webhook comes and is dealt with in between. */
const noteAnswerMs = 700;

const names = /pi_\w+|inv_\w+/g;

export async function openWeather(target: string, nameIn: (request: string) => string | undefined) {
  const owners = new Map<string, string>();
  const outages = new Map<string, Outage>();
  const atNote = new Map<string, (paymentIntentId: string) => Promise<void>>();
  const made = new Map<string, number>();

  function ownerOf(request: string): string | undefined {
    const things = request.match(names) ?? [];
    const owner = nameIn(request) ?? things.map((thing) => owners.get(thing)).find((known) => known !== undefined);
    if (owner !== undefined) for (const thing of things) owners.set(thing, owner);
    return owner;
  }

  const server = createServer((request, response) => {
    void (async () => {
      const body = await buffer(request);
      const path = request.url ?? "/";
      const method = request.method ?? "GET";
      const text = decodeURIComponent(`${path} ${body.toString("utf8")}`.replaceAll("+", " "));
      const owner = ownerOf(text) ?? "";
      const outage = outages.get(owner);
      if (outage === "refuses") {
        response.writeHead(503, { "content-type": "application/json" }).end('{"error":{"type":"api_error"}}');
        return;
      }
      const noted = text.includes("[restate_abandoned_by]=") ? (names.exec(path)?.[0] ?? null) : null;
      names.lastIndex = 0;
      const hook = noted === null ? undefined : atNote.get(owner);
      atNote.delete(noted === null ? "" : owner);
      if (noted !== null) await hook?.(noted);
      const { host: _host, connection: _connection, "content-length": _length, ...headers } = request.headers;
      const answer = await fetch(`${target}${path}`, {
        method,
        headers: headers as Record<string, string>,
        ...(body.length > 0 && { body }),
      });
      const told = Buffer.from(await answer.arrayBuffer());
      if (owner !== "" && method === "POST" && path === "/v1/payment_intents") {
        const [id] = told.toString("utf8").match(/pi_\w+/) ?? [];
        if (id !== undefined) {
          owners.set(id, owner);
          if (!made.has(id)) made.set(id, Date.now());
        }
      }
      if (outage === "swallows") {
        response.destroy();
        return;
      }
      if (hook !== undefined) await delay(noteAnswerMs);
      const type = answer.headers.get("content-type") ?? "application/json";
      const replayed = answer.headers.get("idempotent-replayed");
      response
        .writeHead(answer.status, {
          "content-type": type,
          ...(replayed !== null && { "idempotent-replayed": replayed }),
        })
        .end(told);
    })().catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** When each PaymentIntent was made, in epoch milliseconds. */
    made: made as ReadonlyMap<string, number>,
    /** From now on, until it is over. */
    setOutage(name: string, outage: Outage | null): void {
      if (outage === null) outages.delete(name);
      else outages.set(name, outage);
    },
    /** Something happens at Stripe right before the note that a payment is given up, whose answer is late then. */
    atNote(name: string, hook: (paymentIntentId: string) => Promise<void>): void {
      atNote.set(name, hook);
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
