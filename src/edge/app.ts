/**
 * The front door: a table of routes, and nothing beside it. A path counts letter by letter, as it came: what is not in the table is 404
 * before anything of the request is read.
 */
import type { Context } from "hono";
import { Hono } from "hono";
import type { HttpBindings } from "@hono/node-server";
import type { EdgeReadiness } from "../api/edgeService.ts";
import { edgeHeaderName, readEdgeHeader } from "../api/edgeHeader.ts";
import { defaultMerchant } from "../merchants/rules.ts";
import { createAdmission, type AdmissionParts } from "./admission.ts";
import { readBody } from "./body.ts";
import type { CallIdentity } from "./callIdentity.ts";
import { createConnectCallback } from "./connectCallback.ts";
import { createDocuments } from "./documents.ts";
import type { EngineOperator } from "./engineOperator.ts";
import { CallerGone, EdgeFailure, failureAnswer, failureOf, notFound, type Answer } from "./failures.ts";
import { answerKept } from "./keptAnswer.ts";
import { refuseOther } from "./outcome.ts";
import { createPublicCalls, type CallParts } from "./publicCalls.ts";
import { takeWebhook } from "./webhooks.ts";

export type EdgeParts = CallParts &
  AdmissionParts & {
    readonly operator: EngineOperator;
    readonly version: string;
    /** Told of an error that nobody expected: never with anything of a request. */
    readonly onError: (error: unknown) => void;
  };

type EdgeContext = Context<{ Bindings: HttpBindings }>;

const versions: ReadonlySet<string> = new Set(["1.0", "1.1"]);

export function createEdgeApp(parts: EdgeParts): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const publicCalls = createPublicCalls(parts);
  const admission = createAdmission(parts);
  const connectCallback = createConnectCallback({ ...parts, publicCalls, admission });

  app.onError((error) => {
    const failure = failureOf(error);
    if (failure === null) parts.onError(error);
    return reply(
      failureAnswer(failure ?? new EdgeFailure("unknown", "The edge failed. Repeat it with the same idempotency-key.")),
    );
  });
  app.notFound(() => reply(failureAnswer(notFound)));
  app.use(async (context: EdgeContext, next) => {
    // Node's parser takes what is written as HTTP/0.9 and HTTP/2.0, too, which proxies may read otherwise.
    if (!versions.has(context.env.incoming.httpVersion) || !isPlainAddress(context.env.incoming.url ?? "")) {
      return reply(failureAnswer(notFound));
    }
    return await next();
  });

  app.route("/", createDocuments(parts) as unknown as typeof app);
  app.get("/livez", () => reply({ status: 200, body: { status: "live" } }));
  app.get("/readyz", async () => reply(await readiness()));
  app.get("/connect/callback", async (context) => await connectCallback(context.env.incoming, goneSignal(context)));
  app.get("/calls/:callId", async (context) => {
    const { incoming } = context.env;
    const { identity, declared } = await admission.find(incoming, context.req.param("callId"));
    const prefer = incoming.headersDistinct["prefer"]?.join(", ");
    return reply(await answerKept(parts.engine, declared, identity, prefer, goneSignal(context)));
  });
  app.post("/calls/:callId/cancel", async (context) => {
    const callId = context.req.param("callId");
    const { identity } = await admission.find(context.env.incoming, callId);
    const invocationId = await parts.engine.invocationId(identity.target, identity.engineKey);
    await refuseOtherRequest(invocationId, identity);
    await parts.operator.cancel(invocationId);
    return reply({ status: 202, body: { callId }, headers: { location: `/calls/${callId}` } });
  });
  app.post("/payments/processWebhook", async (context) => reply(await webhook(context, defaultMerchant)));
  app.post("/webhooks/:merchant", async (context) => reply(await webhook(context, context.req.param("merchant"))));
  for (const declared of parts.calls) {
    app.post(`/${declared.service}/${declared.handler}`, async (context) => {
      const { incoming } = context.env;
      const caller = await admission.admit(incoming, declared);
      return reply(await publicCalls.answerCall(declared, { incoming, ...caller, gone: goneSignal(context) }));
    });
  }
  return app;

  async function webhook({ env: { incoming } }: EdgeContext, merchantId: string): Promise<Answer> {
    const merchant = parts.merchants.find(merchantId);
    if (merchant === undefined) throw notFound;
    const address = admission.addressOf(incoming);
    const signatures = incoming.headersDistinct["stripe-signature"] ?? [];
    try {
      const signature = signatures.length === 1 ? signatures[0] : undefined;
      return await takeWebhook(parts, merchant, await readBody(incoming), signature);
    } catch (error) {
      if (error instanceof EdgeFailure) await admission.countRefused(address);
      throw error;
    }
  }

  async function readiness(): Promise<Answer & { readonly body: EdgeReadiness }> {
    try {
      const { isEdgeTrusted } = await parts.installation.check();
      return { status: 200, body: { status: "ready", isTrustedByService: isEdgeTrusted } };
    } catch {
      return { status: 503, body: { status: "unavailable" }, headers: { "retry-after": "5" } };
    }
  }

  /** A key that was used again for another request stands for the first one, which must not end in its place. @throws EdgeFailure */
  async function refuseOtherRequest(invocationId: string, { target, fingerprint }: CallIdentity): Promise<void> {
    const header = await parts.operator.headerOf(invocationId, edgeHeaderName);
    const accepted = header === null ? null : readEdgeHeader(parts.secrets, target, header);
    refuseOther(accepted?.fingerprint, fingerprint);
  }
}

/**
 * A path of segments of letters, digits and few signs: no escapes, no empty segments, no dots that climb, no absolute addresses. A query
 * has printable ASCII characters, and no `#`: others end it there.
 */
function isPlainAddress(url: string): boolean {
  return /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+(?:\?[\x21\x22\x24-\x7e]*)?$/.test(url);
}

/** Aborted when the caller's connection ends before his answer. */
function goneSignal(context: EdgeContext): AbortSignal {
  const { outgoing } = context.env;
  const gone = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) gone.abort(new CallerGone());
  });
  return gone.signal;
}

/** Answers are for the caller alone: no page may show, frame, cache or guess them. */
const strictHeaders: Readonly<Record<string, string>> = {
  "content-type": "application/json",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

function reply({ status, body, headers }: Answer): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...strictHeaders, ...headers } });
}
