/**
 * Mistakes that were made once, each made again in a copy of the code: the histories have to find them by the money's own rules,
 * or those prove nothing. `npm run planted` does it for all of them.
 */
import { editedCopy, type Edit } from "../guards/editedCopy.ts";
import { checkHistories, type History } from "./histories.ts";

export type PlantedFault = {
  readonly name: string;
  readonly edit: Edit;
  /** The histories in which it shows. */
  readonly focus: Partial<History>;
  /** The rule that it breaks. */
  readonly rule: string;
};

/** A debit that can't be stopped, given up at its deadline. */
const givenUp = {
  kind: "debit",
  byReference: true,
  timeoutSeconds: 1,
  outage: null,
  cancelAfterMs: null,
  isFasterThanNote: false,
} as const;

/** Long enough that who tries again as soon as it is over is too late by far. */
const outage = { how: "refuses", lastsMs: 8000 } as const;

export const plantedFaults: readonly PlantedFault[] = [
  {
    name: "a payment is made when Stripe is back, long after its deadline",
    edit: {
      file: "durable/createFirst.ts",
      from: "call.setDeadline(recipe.deadlineAtMs?.(fixed) ?? Infinity);",
      to: "call.setDeadline(Infinity);",
    },
    focus: { kind: "card", timeoutSeconds: 1, outage, cancelAfterMs: null, isFasterThanNote: false },
    rule: "M2",
  },
  {
    name: "a call that is cancelled while it backs off is charged when Stripe is back",
    edit: {
      file: "durable/createOnce.ts",
      from: "const sent = await call.send(kind.step,",
      to: "const sent = await call.ask(kind.step,",
    },
    focus: { kind: "card", timeoutSeconds: null, outage, cancelAfterMs: 500, isFasterThanNote: false },
    rule: "M2",
  },
  {
    name: "a reference is stuck after its payment was given up and given back",
    edit: {
      file: "orders/lastAttempt.ts",
      from: "return isOver && (await isReturned(call, payment));",
      to: "return false;",
    },
    focus: { ...givenUp, bank: { outcome: "succeeded", afterMs: 5000 } },
    rule: "M3",
  },
  {
    name: "a refused attempt makes a reference forget its purchase",
    edit: { file: "orders/paymentReference.ts", from: "await goBack(call);", to: "call.ctx.clearAll();" },
    focus: { ...givenUp, kind: "declined card", timeoutSeconds: null, isMistyped: true },
    rule: "M3",
  },
  {
    name: "the merchant is told two ends of a payment that succeeds in the moment in which it is given up",
    edit: {
      file: "payments/stripe/requests.ts",
      from: "[abandonmentNoteKey]: undecidedNote(invocationId)",
      to: "[abandonmentNoteKey]: invocationId",
    },
    focus: { ...givenUp, isFasterThanNote: true },
    rule: "M5",
  },
];

export type Catch = {
  /** The rules that were broken, each with how often. */
  readonly broken: ReadonlyMap<string, number>;
  /** Why the fault could not be planted: the code reads otherwise, or still has this fault by itself. */
  readonly unplanted: string | null;
};

/** Plays histories with a fault. @param isPlanted false for the same histories with the code as it is */
export async function catchFault(
  { edit, focus }: PlantedFault,
  { seed, isPlanted = true }: { readonly seed: number; readonly isPlanted?: boolean },
): Promise<Catch> {
  const copy = isPlanted ? await editedCopy(edit).catch((error: Error) => error) : null;
  const source = copy === null || copy instanceof Error ? {} : { source: copy.folder };
  try {
    const { verdicts } = await checkHistories({ count: 6, seed, atOnce: 6, focus, ...source });
    const found = verdicts.filter(({ violations }) => violations.length > 0);
    const broken = new Map(found.map(({ name, violations }) => [name, violations.length]));
    return { broken, unplanted: copy instanceof Error ? copy.message : null };
  } finally {
    if (copy !== null && !(copy instanceof Error)) await copy.remove();
  }
}
