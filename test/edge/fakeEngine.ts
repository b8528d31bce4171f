/**
 * An engine that answers at once, for what the edge does before and after it: it keeps answers by key, and what reached it. A call is
 * answered by a script, and tells the fingerprint that the edge gave it, as handlers do.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fingerprintField } from "../../src/api/edgeHeader.ts";

type Reached = {
  /** `accounts/completeConnect`, `edge/takeNews/send`, `restate/awakeables/…/resolve` */
  readonly path: string;
  readonly key: string | undefined;
  readonly body: unknown;
};

type Scripted = { readonly status: number; readonly body: object };

/** @param call `payments/getPayment`. Null: there will be no answer. */
export type Script = (call: string, body: unknown) => Scripted | null;

export type FakeEngine = {
  readonly url: string;
  /** What came since the last time that this was asked, without the edge's own questions. */
  reached(): readonly Reached[];
  answer: Script;
  /** Nothing is taken: the connection ends. */
  isDown: boolean;
  close(): Promise<void>;
};

export async function openFakeEngine(): Promise<FakeEngine> {
  const kept = new Map<string, Scripted>();
  let reached: Reached[] = [];
  const server = createServer((incoming, outgoing) => {
    void text(incoming).then((received) => {
      if (engine.isDown) return incoming.socket.destroy();
      const path = (incoming.url ?? "").slice(1);
      const key = incoming.headersDistinct["idempotency-key"]?.[0];
      const body: unknown = received === "" ? undefined : JSON.parse(received);
      const answer = (status: number, value: object) =>
        outgoing.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
      if (incoming.method === "HEAD") return outgoing.end();
      if (path === "edge/check") {
        return answer(200, { installationId: "an installation", isEdgeTrusted: true, isMerchantTold: true });
      }
      reached.push({ path, key, body });
      if (path === "restate/lookup") return answer(200, { invocationId: `inv_${JSON.stringify(body).length}` });
      if (path.startsWith("invocations/")) return answer(200, {});
      if (path === "query") return answer(200, { rows: [] });
      if (path.startsWith("restate/awakeables/") || path.endsWith("/send")) return answer(202, {});
      const call = path.replace(/^restate\/invocation\/(\w+\/\w+)\/.*$/, "$1");
      const isAsked = call !== path;
      const name = `${call} ${isAsked ? path.split("/")[4] : key}`;
      const fingerprint = / f=(\S+)/.exec(String(incoming.headers["x-payments-edge"]))?.[1];
      const outcome = kept.get(name) ?? (isAsked ? null : signed(engine.answer(call, body), fingerprint));
      if (outcome === null && isAsked) {
        outgoing.setHeader("x-restate-error-source", "ingress");
        return answer(404, {});
      }
      if (outcome === null) return undefined;
      if (key !== undefined) kept.set(name, outcome);
      return answer(outcome.status, outcome.body);
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const engine: FakeEngine = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reached() {
      const before = reached;
      reached = [];
      return before;
    },
    answer: () => ({ status: 200, body: { done: true } }),
    isDown: false,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return engine;
}

function signed(scripted: Scripted | null, fingerprint: string | undefined): Scripted | null {
  if (scripted === null || fingerprint === undefined) return scripted;
  const { status, body } = scripted;
  if (status < 300) return { status, body: { ...body, [fingerprintField]: fingerprint } };
  const { metadata = {} } = body as { readonly metadata?: object };
  return { status, body: { ...body, metadata: { ...metadata, [fingerprintField]: fingerprint } } };
}
