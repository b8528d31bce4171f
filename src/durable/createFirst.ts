/**
 * Makes the first thing of a call, where no step has come before: a payment, a set-up, a customer. A call that the edge accepted does it in
 * one step, because all of its request follows from what the engine journals with the call; any other in two.
 */
import type { Refusal } from "../stripe/errorMeaning.ts";
import { isKeyStillSafe } from "../stripe/idempotency.ts";
import type { Maker } from "../stripe/metadata.ts";
import type { FixedRequest, Sent } from "../stripe/request.ts";
import { CallStopped, makerOf, unlessStopped, type Call, type Surroundings } from "./call.ts";
import {
  createOnce,
  fixRequest,
  lookUp,
  outcomeOf,
  type Created,
  type CreatedKind,
  type Fixed,
  type Outcome,
} from "./createOnce.ts";

/** How the first thing of a call is made, where no step has come before. */
export type Recipe<Parameters, Extra> = {
  parameters(maker: Maker): Parameters;
  /** What else the call decides by later. */
  extra(surroundings: Surroundings): Extra;
  /** In epoch milliseconds; null for none. */
  deadlineAtMs?(extra: Extra): number | null;
  /** Why the request is refused without asking Stripe; null if it isn't. */
  refusal?(extra: Extra): Refusal | null;
};

type FirstMade<Parameters, Made, Extra> = {
  readonly fixed: Fixed<Parameters, Extra>;
  readonly outcome: Outcome<Made>;
  /** Resolves when the outcome is recorded: see `EarlyStep`. */
  recorded(): Promise<void>;
};

/**
 * Makes the first thing of a call once: in one step for a call that the edge accepted, or else in two. Sets the deadline of the call.
 * @throws TerminalError `needs_review`, or CallStopped with the time when the request was fixed
 */
export async function createFirst<Parameters, Made, Extra extends object>(
  call: Call,
  kind: CreatedKind<Parameters, Made>,
  recipe: Recipe<Parameters, Extra>,
): Promise<FirstMade<Parameters, Made, Extra>> {
  const idempotencyKey = call.countRequest();
  let before: NotMade = { kind: "not_made", sinceMs: null, acceptedAtMs: null };
  let found: Created<Made> | null = null;
  if (call.acceptance.isClaimed) {
    const made = await createAccepted(call, kind, recipe, idempotencyKey);
    if (made.kind === "made") return made.first;
    before = made;
    if (made.acceptedAtMs === null && made.sinceMs !== null && !isKeyStillSafe(made.sinceMs, call.lastStepAtMs())) {
      found = await findForgotten(call, kind, recipe, made.sinceMs);
      before = { ...made, sinceMs: null };
    }
  }
  const fixed = await fixRequest(
    call,
    (surroundings, maker) => ({
      parameters: recipe.parameters(maker),
      extra: recipe.extra({ ...surroundings, acceptedAtMs: before.acceptedAtMs ?? surroundings.acceptedAtMs }),
    }),
    { idempotencyKey, fixedAtMs: before.sinceMs },
  );
  call.setDeadline(recipe.deadlineAtMs?.(fixed) ?? Infinity);
  const { fixedAtMs } = fixed.request;
  const refusal = recipe.refusal?.(fixed) ?? null;
  const outcome: Outcome<Made> =
    refusal === null
      ? (found ?? (await unlessStopped(createOnce(call, kind, fixed), (because) => stoppedSince(fixedAtMs, because))))
      : { kind: "refused", refusal, id: null };
  return { fixed, outcome, recorded: async () => {} };
}

/**
 * Looks for what an earlier attempt may have made, by another process, which found good the header that this one finds bad: so long ago
 * that Stripe may have forgotten the request's key. If it has, the request is old enough for search to show what came of it; if
 * not, the key is the same. So where nothing is found, the header counts as none, and the request may be sent.
 */
async function findForgotten<Parameters, Made, Extra>(
  call: Call,
  kind: CreatedKind<Parameters, Made>,
  recipe: Pick<Recipe<Parameters, Extra>, "parameters">,
  sinceMs: number,
): Promise<Created<Made> | null> {
  const parameters = recipe.parameters(await makerOf(call));
  const looking = lookUp(call, kind, { parameters, fixedAtMs: sinceMs });
  const id = await unlessStopped(looking, (because) => stoppedSince(sinceMs, because));
  return id === null ? null : { kind: "created", made: await kind.read(call, id), seenBy: "poll" };
}

/** What the one step of an accepted call records beside Stripe's answer. */
type Kept<Extra> = {
  readonly extra: Extra;
  readonly installationId: string;
  readonly fixedAtMs: number;
  readonly lookUpDelaysMs: readonly number[];
};

type MadeOrNot<Parameters, Made, Extra> =
  | { readonly kind: "made"; readonly first: FirstMade<Parameters, Made, Extra> }
  | NotMade;

/** All times in epoch milliseconds; null where they are not known. */
type NotMade = {
  readonly kind: "not_made";
  /** Since when an attempt may have sent the request all the same. */
  readonly sinceMs: number | null;
  /** When the call was accepted, for its deadline. */
  readonly acceptedAtMs: number | null;
};

async function createAccepted<Parameters, Made, Extra extends object>(
  call: Call,
  kind: CreatedKind<Parameters, Made>,
  recipe: Recipe<Parameters, Extra>,
  idempotencyKey: (installationId: string) => string,
): Promise<MadeOrNot<Parameters, Made, Extra>> {
  const { invocationId } = call;
  const { merchant } = call.account;
  const refusalOf = (extra: Extra) => recipe.refusal?.(extra) ?? null;
  const requestOf = ({ installationId, fixedAtMs }: Kept<Extra>): FixedRequest<Parameters> => ({
    parameters: recipe.parameters({ invocationId, installationId, merchant }),
    idempotencyKey: idempotencyKey(installationId),
    fixedAtMs,
  });
  const begun = await call.sendAccepted<Kept<Extra>, Sent<Made>>(kind.step, (surroundings) => {
    const { installation, lookUpDelaysMs } = surroundings.settings;
    const installationId = installation.known();
    if (installationId === null) return null;
    const extra = recipe.extra(surroundings);
    const kept: Kept<Extra> = { extra, installationId, fixedAtMs: surroundings.acceptedAtMs, lookUpDelaysMs };
    const request = requestOf(kept);
    return {
      kept,
      deadlineAtMs: recipe.deadlineAtMs?.(extra) ?? Infinity,
      request: refusalOf(extra) === null ? (stripe) => kind.send(stripe, request) : null,
    };
  });
  const { value } = begun;
  const recorded = async () => await begun.recorded();
  if (value.kind === "not_accepted") return { kind: "not_made", sinceMs: value.sinceMs, acceptedAtMs: null };
  if (value.kind === "undecided") return { kind: "not_made", sinceMs: value.sinceMs, acceptedAtMs: value.sinceMs };
  const { extra, lookUpDelaysMs, fixedAtMs } = value.kept;
  call.setDeadline(recipe.deadlineAtMs?.(extra) ?? Infinity);
  const fixed: Fixed<Parameters, Extra> = { ...extra, request: requestOf(value.kept), lookUpDelaysMs };
  const refusal = refusalOf(extra);
  const outcome: Outcome<Made> =
    refusal !== null
      ? { kind: "refused", refusal, id: null }
      : await unlessStopped(
          value.kind === "sent"
            ? outcomeOfFirst(call, kind, fixed, value.answer, recorded)
            : createOnce(call, kind, fixed),
          (because) => stoppedSince(fixedAtMs, because),
        );
  return { kind: "made", first: { fixed, outcome, recorded } };
}

/** An answer that leaves something open is followed by a read, which comes after its record. */
async function outcomeOfFirst<Parameters, Made>(
  call: Call,
  kind: CreatedKind<Parameters, Made>,
  fixed: Fixed<Parameters, unknown>,
  sent: Sent<Made>,
  recorded: () => Promise<void>,
): Promise<Outcome<Made>> {
  if (sent.kind !== "made" && sent.kind !== "declined" && sent.kind !== "refused") await recorded();
  return await outcomeOf(call, kind, fixed, sent);
}

function stoppedSince(fixedAtMs: number, because: CallStopped["because"]): never {
  throw new CallStopped(because, fixedAtMs);
}

/**
 * Whether Stripe's first answer is the call's last: it may be given while its record is on the way, because nothing comes after.
 * @param finalStatuses of an object that nothing more is done about
 */
export function isFinalAtOnce<Status extends string>(
  outcome: Outcome<{ readonly status: Status }>,
  finalStatuses: readonly Status[],
): boolean {
  if (outcome.kind !== "created") return true;
  return outcome.seenBy === "response" && finalStatuses.includes(outcome.made.status);
}
