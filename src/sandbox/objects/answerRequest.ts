import type { IncomingHttpHeaders } from "node:http";
import { ApiError, refusal, wireError } from "../http/apiError.ts";
import { type Caller, DEFAULT_API_VERSION, header, identifyCaller } from "../http/authentication.ts";
import { rateLimited, serverError, throwEarlyFault } from "../http/brokenAnswers.ts";
import type { SandboxClock } from "../world/clock.ts";
import type { Dispatch } from "../webhooks/deliveries.ts";
import type { Endpoint } from "../http/endpoint.ts";
import { expand } from "./expansion.ts";
import type { ApiFault } from "../world/faults.ts";
import { newRequestId, PLATFORM_ACCOUNT } from "../world/identifiers.ts";
import { type Headers, JSON_TYPE, type PlainReply } from "../http/replies.ts";
import type { Parts } from "./parts.ts";
import { parseForm, readParameters } from "../http/parameters.ts";
import { parameterSchemaOf } from "../http/parameterSchemas.ts";
import { oauthWireError } from "./accounts/oauthError.ts";
import { fingerprint, type IdempotentRequest } from "../http/savedAnswers.ts";
import type { UnitOfWork } from "../world/unitOfWork.ts";
import { shownIn } from "../world/versions.ts";

type Answer = {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
  readonly isReplay: boolean;
  readonly dispatch: Dispatch | null;
};

type Exchange = {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly form: string;
  readonly key: string | null;
  /** The object that the path names. */
  readonly pathId: string | null;
  readonly fault: ApiFault | undefined;
};

/** A request as it came in; `id` is the one in the path, empty where the path has none. */
export type ApiRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly id: string;
};

/**
 * One request from head to tail: who asks, which fault is due, whether the key was answered before, the work in one
 * transaction with its saved answer, and only then the response. Gives null when the connection is to be cut instead.
 */
export async function answerRequest(
  parts: Parts,
  endpoint: Endpoint | null,
  request: ApiRequest,
): Promise<PlainReply | null> {
  const { method, id, url } = request;
  const [path = ""] = url.split("?", 1);
  const query = url.slice(path.length + 1);
  const key = method === "POST" ? (header(request.headers, "idempotency-key") ?? null) : null;
  // A POST may say a part of it in its address.
  const form = [request.body, query].filter((part) => part !== "").join("&");
  const pathId = id === "" ? null : id;
  const fault = /^\/(v1|oauth)\//.test(path) ? parts.faults.takeApi(method, path) : undefined;
  const exchange: Exchange = { requestId: newRequestId(), method, path, form, key, pathId, fault };
  const headers = headersOf(exchange, request);
  if (fault?.effect === "cut_before") {
    await logRequest(parts, exchange, null, null, false);
    return null;
  }
  if (fault?.effect === "html_502") {
    await logRequest(parts, exchange, null, 502, false);
    const body = "<html><body><h1>502 Bad Gateway</h1></body></html>";
    return { status: 502, headers: { ...headers, "Content-Type": "text/html" }, body };
  }
  const claim: Claim = { idempotent: null };
  try {
    const answer = await produceAnswer(parts, endpoint, exchange, id, request, claim);
    if (answer.dispatch !== null) await parts.deliveries.dispatch(answer.dispatch);
    if (fault?.effect === "stall") await waitUntil(parts.clock, parts.clock.now() + fault.delayMs);
    if (fault?.effect === "cut_after") return null;
    const replayed = answer.isReplay ? { "Idempotent-Replayed": "true" } : {};
    return {
      status: answer.status,
      headers: { ...headers, ...replayed, ...answer.headers, "Content-Type": JSON_TYPE },
      body: answer.body,
    };
  } finally {
    if (claim.idempotent !== null) parts.answers.release(claim.idempotent);
  }
}

/** The key that this request holds until it is answered. */
type Claim = { idempotent: IdempotentRequest | null };

function headersOf({ requestId, key }: Exchange, request: ApiRequest): Headers {
  const account = header(request.headers, "stripe-account");
  return {
    "Request-Id": requestId,
    "Stripe-Version": header(request.headers, "stripe-version") ?? DEFAULT_API_VERSION,
    ...(key === null ? {} : { "Idempotency-Key": key }),
    ...(account === undefined ? {} : { "Stripe-Account": account }),
  };
}

async function produceAnswer(
  parts: Parts,
  endpoint: Endpoint | null,
  exchange: Exchange,
  id: string,
  request: ApiRequest,
  claim: Claim,
): Promise<Answer> {
  const { fault } = exchange;
  let caller: Caller | null = null;
  try {
    caller = identifyCaller(withSecret(request, exchange), parts.store);
    if (fault !== undefined) throwEarlyFault(fault, exchange, caller.account);
    if (endpoint === null) throw unknownUrl(exchange);
    const limited = parts.limits.count(caller.account, `${endpoint.method} ${endpoint.path}`);
    if (limited !== null) throw rateLimited(limited);
    if (isJson(request)) throw refusal(NOT_A_FORM);
    const idempotent = readIdempotency(exchange, caller);
    const saved = idempotent === null ? null : parts.answers.claim(idempotent, parts.clock.now());
    claim.idempotent = idempotent;
    if (saved !== null) {
      await logRequest(parts, exchange, caller, saved.status, true, objectIn(JSON.parse(saved.body)));
      return { ...saved, headers: {}, isReplay: true, dispatch: null };
    }
    return await execute(parts, endpoint, exchange, id, caller, idempotent);
  } catch (error) {
    const known = asApiError(error);
    await logRequest(parts, exchange, caller, known.status, false);
    return errorAnswer(known, exchange);
  }
}

function readIdempotency({ key, method, path, form }: Exchange, { account }: Caller): IdempotentRequest | null {
  if (key === null) return null;
  if (key.length > 255) throw refusal("Idempotency-Key headers must be at most 255 characters.");
  return { account, key, endpoint: `${method} ${path}`, fingerprint: fingerprint(form) };
}

/** Runs the endpoint and commits the lasting part of its work together with the answer. */
async function execute(
  parts: Parts,
  endpoint: Endpoint,
  exchange: Exchange,
  id: string,
  caller: Caller,
  idempotent: IdempotentRequest | null,
): Promise<Answer> {
  const { store, ledger, answers } = parts;
  const { fault } = exchange;
  const unit = ledger.begin(caller.account);
  let answer: Answer;
  let objectId: string | null = null;
  let isSaved = true;
  let worked: UnitOfWork = unit;
  try {
    if (fault?.effect === "error_500_saved") throw serverError("failed");
    const parameters = readParameters(parseForm(exchange.form), parameterSchemaOf(endpoint));
    const call = { id, path: exchange.path, apiVersion: caller.apiVersion, parameters, unit, store };
    const result = endpoint.run(call);
    objectId = objectIn(result);
    answer = {
      status: 200,
      body: shownIn(caller.apiVersion, unit.text(expand(call, result)), store),
      headers: {},
      isReplay: false,
      dispatch: null,
    };
  } catch (error) {
    const known = asApiError(error);
    const refused = errorAnswer(known, exchange);
    answer = { ...refused, body: shownIn(caller.apiVersion, refused.body, store) };
    objectId = objectIn(known.body);
    isSaved = known.aftermath !== "refused";
    // The work of a refused or failed request is dropped: an empty unit is committed in its place.
    if (known.aftermath !== "declined") worked = ledger.begin(caller.account);
  }
  if (fault?.effect === "error_500_saved_after" && isSaved) answer = errorAnswer(serverError("declined"), exchange);
  const cause = { requestId: exchange.requestId, idempotencyKey: exchange.key };
  const dispatch = await ledger.commit(worked, cause, () => {
    if (idempotent !== null && isSaved) answers.save(idempotent, answer, unit.nowMs);
    writeLogLine(parts, exchange, caller, fault?.effect === "cut_after" ? null : answer.status, false, objectId);
  });
  return { ...answer, dispatch };
}

function errorAnswer(error: ApiError, { path, requestId }: Exchange): Answer {
  const isOAuth = path.startsWith("/oauth/") && [400, 401].includes(error.status);
  const body = JSON.stringify(isOAuth ? oauthWireError(error) : wireError(error, requestId));
  return { status: error.status, body, headers: error.headers, isReplay: false, dispatch: null };
}

/** OAuth's endpoints take the platform's key in the form, too. */
function withSecret({ headers }: ApiRequest, { path, form }: Exchange): IncomingHttpHeaders {
  const secret = path.startsWith("/oauth/") ? new URLSearchParams(form).get("client_secret") : null;
  return secret === null || headers.authorization !== undefined
    ? headers
    : { ...headers, authorization: `Bearer ${secret}` };
}

/** A defect of the sandbox shows itself in the answer, where the person who runs it sees it. */
function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = `The sandbox itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  return new ApiError(500, "refused", { type: "api_error", message });
}

const NOT_A_FORM =
  "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any questions, we can help at https://support.stripe.com/.";

function isJson({ body, headers, method }: ApiRequest): boolean {
  return method === "POST" && body !== "" && (header(headers, "content-type")?.startsWith("application/json") ?? false);
}

function unknownUrl({ method, path }: Exchange): ApiError {
  const message = `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/. (This sandbox knows only a part of Stripe's API.)`;
  return new ApiError(404, "refused", { type: "invalid_request_error", message });
}

async function logRequest(parts: Parts, ...line: LogLine): Promise<void> {
  await parts.store.write(() => writeLogLine(parts, ...line));
}

type LogLine = [
  exchange: Exchange,
  caller: Caller | null,
  status: number | null,
  isReplay: boolean,
  objectId?: string | null,
];

/** Runs inside the transaction that holds the work. */
function writeLogLine({ store, clock }: Parts, ...[exchange, caller, status, isReplay, objectId]: LogLine): void {
  store.run(
    `INSERT INTO requests (id, at_ms, account, method, path, idempotency_key, status, replayed, object_id, fault)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    exchange.requestId,
    clock.now(),
    caller?.account ?? PLATFORM_ACCOUNT,
    exchange.method,
    exchange.path,
    exchange.key,
    status,
    isReplay ? 1 : 0,
    objectId ?? exchange.pathId,
    exchange.fault?.effect ?? null,
  );
}

/** The object that an answer shows: itself, or the one that was declined. */
function objectIn(answer: unknown): string | null {
  const { id, error, payment_intent, setup_intent } = answer as Readonly<Record<string, { id?: string }>>;
  if (typeof id === "string") return id;
  if (error !== undefined) return objectIn(error);
  const declined = payment_intent ?? setup_intent;
  return typeof declined === "object" ? (declined.id ?? null) : null;
}

async function waitUntil(clock: SandboxClock, atMs: number): Promise<void> {
  await new Promise<void>((resolve) => clock.setAlarm(atMs, resolve));
}
