/** `POST /<service>/<handler>`: checks a call, hands it to the engine, and answers its outcome, or 202 where the caller asks for that. */
import type { IncomingMessage } from "node:http";
import type { Call } from "../api/calls.ts";
import { edgeHeaderName, writeEdgeHeader, type CallTarget } from "../api/edgeHeader.ts";
import { InvalidBodyError, readRequestBody } from "../api/requestBody.ts";
import { readBody } from "./body.ts";
import { engineKeyOf, fingerprintOf, type CallIdentity, type KeySpace } from "./callIdentity.ts";
import type { EngineAnswer, EngineCall, EngineClient } from "./engineClient.ts";
import { CallerGone, EdgeFailure, type Answer } from "./failures.ts";
import type { Installation } from "./installation.ts";
import { merchantOfCall, namedMerchant, withMerchant, type ActingFor, type EdgeMerchants } from "./merchants.ts";
import { acceptedAnswer, keyReused, outcomeAnswer } from "./outcome.ts";
import { appliedHeader, preferenceOf, type Preference } from "./prefer.ts";
import type { StripeClock } from "./stripeClock.ts";

export type CallParts = {
  readonly engine: EngineClient;
  readonly installation: Installation;
  readonly clock: StripeClock;
  readonly merchants: EdgeMerchants;
  /** The first one signs; without any, the handlers are told nothing. */
  readonly secrets: readonly string[];
};

/** One who has to know until when he waits: the connection of the caller. */
type CallRequest = {
  readonly incoming: IncomingMessage;
  /** Of the caller's API key; empty for the developer. */
  readonly name: string;
  readonly actingFor: ActingFor;
  /** Aborted when the caller is gone. */
  readonly gone: AbortSignal;
};

/** A call whose answer is kept under a key. */
type KeyedRequest = {
  readonly target: CallTarget;
  readonly space: KeySpace;
  /** The caller's, or one that was made for the request. */
  readonly idempotencyKey: string;
  readonly value: unknown;
  readonly body: string | Uint8Array;
  /** In epoch milliseconds; null where the clock is not trusted. */
  readonly receivedAtMs: number | null;
};

export type PublicCalls = {
  /** Answers a request as it came. @throws EdgeFailure, EngineUnavailable, EngineLost */
  answerCall(declared: Call, request: CallRequest): Promise<Answer>;
  /** Makes a call that was checked, or joins it. @throws EdgeFailure, EngineUnavailable, EngineLost */
  makeCall(request: KeyedRequest, preference: Preference, gone: AbortSignal): Promise<Answer>;
};

export function createPublicCalls(parts: CallParts): PublicCalls {
  const { engine, installation, clock, secrets, merchants } = parts;
  /** The fingerprints of the calls that are open here: a reused key is told at once, and not when the first call has ended. */
  const open = new Map<string, { readonly fingerprint: string; requests: number }>();

  async function answerCall(declared: Call, { incoming, name, actingFor, gone }: CallRequest): Promise<Answer> {
    const receivedAtMs = clock.trustedNowMs();
    const key = idempotencyKeyOf(incoming, declared);
    const preference = preferenceOf(headerOf(incoming, "prefer"));
    refuseOtherTypes(incoming);
    const received = await readBody(incoming);
    const asked = readJson(declared, received);
    const merchant = merchantOfCall(merchants, actingFor, namedMerchant(asked));
    const { value, body } = withMerchant(merchant, { value: asked, body: received });
    const target = { service: declared.service, handler: declared.handler };
    if (isRead(declared, value)) {
      const answer = await engine.call({ target, engineKey: null, edgeHeader: null, body }, gone);
      return outcomeAnswer(answer, null);
    }
    const idempotencyKey = key ?? crypto.randomUUID();
    const request = { target, space: { merchant, name }, idempotencyKey, value, body, receivedAtMs };
    return await makeCall(request, preference, gone);
  }

  async function makeCall(
    { target, space, idempotencyKey, value, body, receivedAtMs }: KeyedRequest,
    preference: Preference,
    gone: AbortSignal,
  ): Promise<Answer> {
    const engineKey = engineKeyOf(await installation.id(), space, idempotencyKey);
    const identity: CallIdentity = { target, engineKey, fingerprint: fingerprintOf(target, value) };
    const call: EngineCall = { target, engineKey, edgeHeader: edgeHeaderFor(identity, receivedAtMs), body };
    return await whileOpen(identity, async () => await outcomeOf(call, identity, preference, gone));
  }

  function edgeHeaderFor({ target, engineKey, fingerprint }: CallIdentity, acceptedAtMs: number | null) {
    const [secret] = secrets;
    if (secret === undefined) return null;
    const value = writeEdgeHeader(secret, target, { engineKey, acceptedAtMs, fingerprint });
    return { name: edgeHeaderName, value };
  }

  async function whileOpen(identity: CallIdentity, answer: () => Promise<Answer>): Promise<Answer> {
    const { target, engineKey, fingerprint } = identity;
    const id = `${target.service}/${target.handler}/${engineKey}`;
    const here = open.get(id) ?? { fingerprint, requests: 0 };
    if (here.fingerprint !== fingerprint) throw keyReused();
    here.requests++;
    open.set(id, here);
    try {
      return await answer();
    } finally {
      if (--here.requests === 0) open.delete(id);
    }
  }

  async function outcomeOf(
    call: EngineCall,
    identity: CallIdentity,
    preference: Preference,
    gone: AbortSignal,
  ): Promise<Answer> {
    const { waitMs } = preference;
    if (waitMs === null) {
      return outcomeAnswer(await engine.call(call, afterAccepting(gone)), identity.fingerprint);
    }
    if (waitMs > 0) {
      const answer = await callFor(call, waitMs, gone);
      if (answer !== null) return { ...outcomeAnswer(answer, identity.fingerprint), ...appliedHeader(preference) };
    }
    // The engine confirms that it has the call; one that it has already is not begun again.
    await engine.send(call);
    return acceptedAnswer(identity, preference);
  }

  /** Null where the call has not ended by then. */
  async function callFor(call: EngineCall, waitMs: number, gone: AbortSignal): Promise<EngineAnswer | null> {
    const over = AbortSignal.timeout(waitMs);
    try {
      return await engine.call(call, AbortSignal.any([over, afterAccepting(gone)]));
    } catch (error) {
      if (over.aborted) return null;
      throw error;
    }
  }

  return { answerCall, makeCall };
}

/** Long enough for the engine to take a call. */
const acceptingMs = 5_000;

/** A caller that disconnects loses nothing: the call is handed over before the connection to the engine is let go. */
function afterAccepting(gone: AbortSignal): AbortSignal {
  const letGo = new AbortController();
  const begin = () => setTimeout(() => letGo.abort(new CallerGone()), acceptingMs).unref();
  if (gone.aborted) begin();
  else gone.addEventListener("abort", begin, { once: true });
  return letGo.signal;
}

/** A dispute that is only looked at is read, though the same call can wait for its end. */
function isRead({ keeps, readsUnless }: Call, value: unknown): boolean {
  if (keeps === "nothing") return true;
  return (
    readsUnless !== undefined &&
    (typeof value !== "object" || value === null || Reflect.get(value, readsUnless) !== true)
  );
}

/** @throws EdgeFailure `invalid_request` with each bad field */
function readJson(declared: Call, body: Uint8Array): unknown {
  try {
    readRequestBody(declared.input, body);
    return body.length === 0 ? undefined : (JSON.parse(new TextDecoder().decode(body)) as unknown);
  } catch (error) {
    if (!(error instanceof InvalidBodyError)) throw error;
    throw new EdgeFailure("invalid_request", error.message, { errors: error.errors });
  }
}

/** A page of another origin can send other types without asking first. */
function refuseOtherTypes(incoming: IncomingMessage): void {
  const type = incoming.headers["content-type"];
  if (type === undefined || /^application\/json\s*(?:;|$)/i.test(type)) return;
  throw new EdgeFailure("invalid_request", "The content-type header must be application/json.");
}

/** Printable ASCII characters, and not blanks alone. */
const keyShape = /^[\x20-\x7e]{1,255}$/;

/** @throws EdgeFailure `invalid_request` where a key is missing, blank, too long, or there are two */
function idempotencyKeyOf(incoming: IncomingMessage, declared: Call): string | null {
  const keys = incoming.headersDistinct["idempotency-key"] ?? [];
  const [key] = keys;
  if (keys.length > 1) throw refused("There are two idempotency-key headers: send one.");
  if (key === undefined) {
    if (declared.needsKey)
      throw refused("The idempotency-key header is missing: this call needs one, new for each request.");
    return null;
  }
  if (!keyShape.test(key) || key.trim() === "") {
    throw refused("The idempotency-key header must be 1 to 255 printable ASCII characters, and not blank.");
  }
  return key;
}

function refused(message: string): EdgeFailure {
  return new EdgeFailure("invalid_request", message);
}

function headerOf(incoming: IncomingMessage, name: string): string | undefined {
  return incoming.headersDistinct[name]?.join(", ");
}
