/**
 * The front door: a table of routes, and nothing beside it. A path counts letter by letter, as it came: what is not in the table is 404
 * before anything of the request is read.
 */
import type { Context } from "hono";
import { Hono } from "hono";
import type { HttpBindings } from "@hono/node-server";
import type { EdgeReadiness } from "../api/edgeService.ts";
import type { Scope } from "../api/scopes.ts";
import { calls, type Call } from "../api/calls.ts";
import { edgeHeaderName, readEdgeHeader } from "../api/edgeHeader.ts";
import { createDocuments } from "./documents.ts";
import { identifyCaller, type CallerRules } from "./caller.ts";
import { clientAddress } from "./clientAddress.ts";
import { readBody } from "./body.ts";
import { readCallId, type CallIdentity, type KeySpace } from "./callIdentity.ts";
import type { EngineOperator } from "./engineOperator.ts";
import { CallerGone, EdgeFailure, failureAnswer, failureOf, notFound, type Answer } from "./failures.ts";
import { declarationOf } from "./keptOutcome.ts";
import { refuseOther } from "./outcome.ts";
import { answerKept, createPublicCalls, type CallParts } from "./publicCalls.ts";
import type { RateLimits } from "./rateLimits.ts";
import { takeWebhook, type WebhookOptions } from "./webhooks.ts";

export type EdgeParts = CallParts & {
  readonly operator: EngineOperator;
  readonly callers: CallerRules;
  readonly rateLimits: RateLimits;
  readonly webhooks: WebhookOptions;
  readonly version: string;
  /** Told of an error that nobody expected: never with anything of a request. */
  readonly onError: (error: unknown) => void;
};

type EdgeContext = Context<{ Bindings: HttpBindings }>;

/** Who calls, and what he may: a developer of this machine may all. */
type Admitted = { readonly space: KeySpace; readonly may: (scope: Scope) => boolean };

const defaultMerchant = "default";

/** No API key has this name. */
const developer: Admitted = { space: { merchant: defaultMerchant, name: "" }, may: () => true };

const webhookPaths: readonly string[] = ["/payments/processWebhook", `/webhooks/${defaultMerchant}`];

const versions: ReadonlySet<string> = new Set(["1.0", "1.1"]);

export function createEdgeApp(parts: EdgeParts): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const answerCall = createPublicCalls(parts);

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

  app.route("/", createDocuments({ version: parts.version }) as unknown as typeof app);
  app.get("/livez", () => reply({ status: 200, body: { status: "live" } }));
  app.get("/readyz", async () => reply(await readiness()));
  app.get("/calls/:callId", async (context) => {
    const { identity } = await identified(context);
    const prefer = context.env.incoming.headersDistinct["prefer"]?.join(", ");
    return reply(await answerKept(parts.engine, identity, prefer, goneSignal(context)));
  });
  app.post("/calls/:callId/cancel", async (context) => {
    const { identity } = await identified(context);
    const invocationId = await parts.engine.invocationId(identity.target, identity.engineKey);
    await refuseOtherRequest(invocationId, identity);
    await parts.operator.cancel(invocationId);
    const callId = context.req.param("callId");
    return reply({ status: 202, body: { callId }, headers: { location: `/calls/${callId}` } });
  });
  for (const path of webhookPaths) app.post(path, async (context) => reply(await webhook(context)));
  for (const declared of calls) {
    app.post(`/${declared.service}/${declared.handler}`, async (context) => {
      const { space } = await admitted(context, declared);
      const { incoming } = context.env;
      return reply(await answerCall(declared, { incoming, space, gone: goneSignal(context) }));
    });
  }
  return app;

  async function webhook(context: EdgeContext): Promise<Answer> {
    const { incoming } = context.env;
    const address = addressOf(context);
    const signatures = incoming.headersDistinct["stripe-signature"] ?? [];
    try {
      const signature = signatures.length === 1 ? signatures[0] : undefined;
      return await takeWebhook(parts, parts.webhooks, await readBody(incoming), signature);
    } catch (error) {
      if (error instanceof EdgeFailure) await countRefused(address);
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

  /** @throws EdgeFailure `unauthorized`, `forbidden` or `rate_limited` */
  async function admitted(context: EdgeContext, declared: Pick<Call, "scope"> | null): Promise<Admitted> {
    const { incoming } = context.env;
    const caller = identifyCaller(
      {
        method: context.req.method,
        headers: incoming.headersDistinct,
        remoteAddress: incoming.socket.remoteAddress,
      },
      parts.callers,
    );
    switch (caller.kind) {
      case "refused":
        await countRefused(caller.address);
        throw new EdgeFailure(caller.reason, caller.message);
      case "developer":
        return developer;
      case "key": {
        const { id, name, merchant, scopes } = caller.key;
        const taken = await parts.rateLimits.takeCall(id);
        if (!taken.allowed) throw tooMany("The API key calls too often.", taken.retryAfterSeconds);
        if (declared !== null && !scopes.has(declared.scope)) {
          throw new EdgeFailure("forbidden", `The API key lacks the scope ${declared.scope}.`);
        }
        return { space: { merchant, name }, may: (scope) => scopes.has(scope) };
      }
    }
  }

  /** The call of an id that the caller made. @throws EdgeFailure, also for the id of another's call: nobody learns that there is one */
  async function identified(context: EdgeContext): Promise<{ readonly identity: CallIdentity }> {
    const { space, may } = await admitted(context, null);
    const callId = context.req.param("callId") ?? "";
    const identity = readCallId(await parts.installation.id(), space, callId);
    const declared = identity === null ? undefined : declarationOf(identity);
    if (identity === null || declared === undefined) throw new EdgeFailure("not_found", "You made no call of this id.");
    if (!may(declared.scope)) throw new EdgeFailure("forbidden", `The API key lacks the scope ${declared.scope}.`);
    return { identity };
  }

  /** To be asked before the body is read: a request that broke off has no connection any more. */
  function addressOf(context: EdgeContext): string {
    const { incoming } = context.env;
    const connection = { remoteAddress: incoming.socket.remoteAddress, headers: incoming.headersDistinct };
    return clientAddress(connection, parts.callers.trustProxy);
  }

  /** A key that was used again for another request stands for the first one, which must not end in its place. @throws EdgeFailure */
  async function refuseOtherRequest(invocationId: string, { target, fingerprint }: CallIdentity): Promise<void> {
    const header = await parts.operator.headerOf(invocationId, edgeHeaderName);
    const accepted = header === null ? null : readEdgeHeader(parts.secrets, target, header);
    refuseOther(accepted?.fingerprint, fingerprint);
  }

  /** @throws EdgeFailure `rate_limited` in place of the refusal */
  async function countRefused(address: string): Promise<void> {
    const taken = await parts.rateLimits.takeRefused(address);
    if (!taken.allowed) throw tooMany("Too many requests from this address were refused.", taken.retryAfterSeconds);
  }
}

function tooMany(message: string, retryAfterSeconds: number): EdgeFailure {
  return new EdgeFailure("rate_limited", message, { retryAfterSeconds });
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
