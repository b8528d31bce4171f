/**
 * Makes one thing at Stripe, once, whatever crashes when: a payment, a refund, a set-up, a customer.
 *
 * ```
 *   fix ─▶ send ─┬─ made ───────────────────────────────▶ created (seen in the response)
 *                ├─ exists ─▶ read ─────────────────────▶ created (seen by a read)
 *                ├─ declined │ refused ─────────────────▶ given back to the caller
 *                ├─ needs review ─▶ look up ────────────▶ needs_review, naming what was found
 *                └─ unknown ─▶ look up, again and later ┬▶ one: read ─▶ created
 *                                                       ├▶ several: one stays, the rest is undone ─▶ needs_review
 *                                                       └▶ none ─▶ needs_review
 * ```
 *
 * The parameters, the idempotency key and the time are fixed in the journal before anything is sent: by a step of their own, or, for
 * a call that the edge accepted, by the journaled request itself, its time of acceptance and its invocation id, from which they
 * follow. An unknown outcome is looked up by the invocation id in the metadata, never tried again under a new key. A call that comes to its deadline, or is
 * cancelled, before Stripe answers is stopped: its handler says what is done about what an earlier request may have made.
 */
import type { StripeGateway } from "../merchants/gateway.ts";
import type { PaymentFailure } from "../payments/rules/payment.ts";
import type { Creation } from "../stripe/creation.ts";
import type { Refusal } from "../stripe/errorMeaning.ts";
import { invocationIdKey, type Maker } from "../stripe/metadata.ts";
import type { FixedRequest, Page, Sent } from "../stripe/request.ts";
import { makerOf, type Call, type Surroundings } from "./call.ts";
import { failure, type FailureDetails } from "./failures.ts";

/** How things of one kind are made. */
export type CreatedKind<Parameters, Made> = {
  /** Stripe's name of one. */
  readonly noun: string;
  /** The name of the step that sends the request. */
  readonly step: string;
  send(stripe: StripeGateway, request: FixedRequest<Parameters>): Promise<Sent<Made>>;
  /** Reads one that is known to exist. */
  read(call: Call, id: string): Promise<Made>;
  /** The ids of all that the call made, oldest first, as far as Stripe shows them yet. */
  find(call: Call, creation: Creation, parameters: Parameters): Promise<readonly string[]>;
  /** Whether a watcher looks for what a cancelled call may have made: then a cancellation ends the call's own look-up. */
  readonly isLookedAfter?: boolean;
  /** Names one in a failure's details. */
  detailsOf(id: string | null): FailureDetails;
  /**
   * Several of one call must not be, and are a person's to judge. Until then one stays, and the others are taken back.
   * @returns the id of the one that stays, and what became of each, for the person
   */
  undoAllButOne(call: Call, ids: readonly string[]): Promise<{ readonly keptId: string; readonly message: string }>;
};

/** What a request was fixed to, and what else was fixed with it. */
export type Fixed<Parameters, Extra> = Extra & {
  readonly request: FixedRequest<Parameters>;
  /** When to look up what an unknown outcome left, because search may lag behind. */
  readonly lookUpDelaysMs: readonly number[];
};

export type Created<Made> = {
  readonly kind: "created";
  readonly made: Made;
  /** How it was seen: in the answer to its creation, or by a read after that answer was lost. */
  readonly seenBy: "response" | "poll";
};

/**
 * Fixes one request, with a fresh idempotency key. A process that doesn't know yet of which installation it is a part asks the
 * engine, and fixes the request then.
 * @param decide gets who makes the thing, for its metadata
 * @param known the key of the request, and the time since when it may have been sent, where they are known already
 */
export async function fixRequest<Parameters, Extra extends object = object>(
  call: Call,
  decide: (surroundings: Surroundings, maker: Maker) => { readonly parameters: Parameters; readonly extra?: Extra },
  known: { readonly idempotencyKey: (installationId: string) => string; readonly fixedAtMs: number | null } = {
    idempotencyKey: call.countRequest(),
    fixedAtMs: null,
  },
): Promise<Fixed<Parameters, Extra>> {
  const { invocationId } = call;
  const { merchant } = call.account;
  const fix = async (told: string | null): Promise<Fixed<Parameters, Extra> | null> =>
    await call.fix("fix the request", (surroundings) => {
      const installationId = told ?? surroundings.settings.installation.known();
      if (installationId === null) return null;
      const { parameters, extra } = decide(surroundings, { invocationId, installationId, merchant });
      const { lookUpDelaysMs } = surroundings.settings;
      const fresh = surroundings.stripe.fixRequest(parameters, known.idempotencyKey(installationId));
      const request = known.fixedAtMs === null ? fresh : { ...fresh, fixedAtMs: known.fixedAtMs };
      return { ...(extra as Extra), request, lookUpDelaysMs };
    });
  const fixed = (await fix(call.knownInstallationId())) ?? (await fix(await call.installationId()));
  if (fixed === null) throw new TypeError("The engine has said which installation this is.");
  return fixed;
}

export type Outcome<Made> =
  | Created<Made>
  | { readonly kind: "declined"; readonly failure: PaymentFailure }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly id: string | null };

/** @throws TerminalError `needs_review`, or CallStopped */
export async function createOnce<Parameters, Made>(
  call: Call,
  kind: CreatedKind<Parameters, Made>,
  fixed: Fixed<Parameters, unknown>,
): Promise<Outcome<Made>> {
  const { request } = fixed;
  const sent = await call.send(kind.step, (stripe) => kind.send(stripe, request));
  return await outcomeOf(call, kind, fixed, sent);
}

/** What came of a request: where the answer leaves it open, Stripe is asked. */
export async function outcomeOf<Parameters, Made>(
  call: Call,
  kind: CreatedKind<Parameters, Made>,
  { request, lookUpDelaysMs }: Fixed<Parameters, unknown>,
  sent: Sent<Made>,
): Promise<Outcome<Made>> {
  switch (sent.kind) {
    case "made":
      return { kind: "created", made: sent.made, seenBy: "response" };
    case "exists":
      return { kind: "created", made: await kind.read(call, sent.id), seenBy: "poll" };
    case "declined":
    case "refused":
      return sent;
    case "needs_review": {
      const found = await lookUp(call, kind, request);
      throw failure("needs_review", sent.message, kind.detailsOf(found));
    }
    case "unknown": {
      const found = await lookUpInTime(call, kind, request, lookUpDelaysMs);
      return { kind: "created", made: await kind.read(call, found), seenBy: "poll" };
    }
  }
}

/**
 * Looks at once and again later, because search lags. Where nobody else would look for it, a cancellation of the call is left to the wait,
 * so that what is found is not orphaned.
 */
async function lookUpInTime<Parameters, Made>(
  call: Call,
  kind: CreatedKind<Parameters, Made>,
  request: FixedRequest<Parameters>,
  delaysMs: readonly number[],
): Promise<string> {
  for (const delayMs of delaysMs) {
    if (delayMs > 0) await lookingCall(call, kind).pause(delayMs, "next look-up");
    const found = await lookUp(call, kind, request);
    if (found !== null) return found;
  }
  const message = `Whether Stripe made the ${kind.noun} is unknown, and none with the metadata ${invocationIdKey}=${call.invocationId} was found. Look for it in Stripe's dashboard before you ask again.`;
  throw failure("needs_review", message, kind.detailsOf(null));
}

/**
 * Looks once for what a call made; null if there is nothing that Stripe shows yet.
 * @throws TerminalError `needs_review` if there are several
 */
export async function lookUp<Parameters, Made>(
  call: Call,
  kind: CreatedKind<Parameters, Made>,
  { fixedAtMs, parameters }: Pick<FixedRequest<Parameters>, "fixedAtMs" | "parameters">,
): Promise<string | null> {
  const creation = { ...(await makerOf(call)), fixedAtMs };
  const ids = await kind.find(lookingCall(call, kind), creation, parameters);
  return await theOnly(call, kind, ids);
}

function lookingCall(call: Call, { isLookedAfter = false }: { readonly isLookedAfter?: boolean }): Call {
  return isLookedAfter ? call.untilCancelled() : call;
}

/** @throws TerminalError `needs_review` if there are several */
export async function theOnly(
  call: Call,
  kind: Pick<CreatedKind<never, unknown>, "noun" | "detailsOf" | "undoAllButOne">,
  ids: readonly string[],
): Promise<string | null> {
  if (ids.length <= 1) return ids[0] ?? null;
  const { keptId, message } = await kind.undoAllButOne(call, ids);
  const several = `One call seems to have made several ${kind.noun}s: ${ids.join(", ")}.`;
  throw failure("needs_review", `${several} ${message}`, kind.detailsOf(keptId));
}

/**
 * Goes through a list page by page. Each page is a step, so that an outage in the middle of a long list does not begin it again.
 * @param maximumPages how far back to look
 * @returns what was found, oldest first; null where Stripe doesn't give the first page
 */
export async function throughPages<Item>(
  page: (after: string | null) => Promise<Page<Item> | null>,
  maximumPages = Infinity,
): Promise<readonly Item[] | null> {
  const found: Item[] = [];
  let after: string | null = null;
  for (let pages = 0; pages < maximumPages; pages++) {
    const listed: Page<Item> | null = await page(after);
    if (listed === null) return pages === 0 ? null : found.toReversed();
    found.push(...listed.found);
    after = listed.next;
    if (after === null) break;
  }
  return found.toReversed();
}
