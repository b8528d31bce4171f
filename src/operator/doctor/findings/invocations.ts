/** What is paused, retried, or has waited for long; and notifications that were given up: each with the commands for it. */
import { formatDuration } from "../../../config/duration.ts";
import { ok, warning, withDetails, wrong, type Finding } from "./finding.ts";

/** An invocation that an operator may want to do something about. */
export type SeenInvocation = {
  readonly id: string;
  /** `service/handler`, or `object/key/handler`. */
  readonly target: string;
  readonly sinceMs: number;
  /** What the engine knows of the last failure; null where there was none. */
  readonly failure: { readonly message: string; readonly step: string | null; readonly code: string | null } | null;
};

/** The oldest ones, and how many there are. */
export type SeenGroup = { readonly count: number; readonly oldest: readonly SeenInvocation[] };

export type InvocationsQuestion = {
  readonly paused: SeenGroup;
  readonly backingOff: SeenGroup;
  readonly longWaiting: SeenGroup;
  readonly notificationsGivenUp: SeenGroup;
  readonly longWaitMs: number;
  readonly nowMs: number;
  readonly cli: string;
};

/** The journal and the code disagree. https://docs.restate.dev/references/errors#RT0016 */
const journalMismatch = "RT0016";

export function judgeInvocations(question: InvocationsQuestion): readonly Finding[] {
  return [...judgePaused(question), ...judgeBackingOff(question), ...judgeWaiting(question), ...judgeGivenUp(question)];
}

function judgePaused({ paused, cli, nowMs }: InvocationsQuestion): readonly Finding[] {
  const check = "paused calls";
  if (paused.count === 0) return [ok(check, "No call is paused.")];
  const lines = (seen: SeenInvocation) => [
    line(seen, nowMs),
    `  ${cli} inv resume ${seen.id}    (or end it: ${cli} inv cancel ${seen.id})`,
  ];
  const about = wrong(
    check,
    `${counted(paused, "call is", "calls are")} paused: nothing is lost, each goes on where it was when it is resumed.`,
    "Fix the cause first, then resume them as above",
  );
  return [withDetails(about, [...paused.oldest.flatMap(lines), ...andMore(paused)])];
}

function judgeBackingOff({ backingOff, cli, nowMs }: InvocationsQuestion): readonly Finding[] {
  const check = "retried calls";
  if (backingOff.count === 0) return [];
  const isStuck = backingOff.oldest.some(({ failure }) => failure?.code === journalMismatch);
  const lines = [...backingOff.oldest.map((seen) => line(seen, nowMs)), ...andMore(backingOff)];
  const count = counted(backingOff, "call is", "calls are");
  if (isStuck) {
    return [
      withDetails(
        wrong(
          check,
          `${count} retried, and cannot go on: the code at their address is not the code that they began with (${journalMismatch}).`,
          "Start the version that they began with at that address again; they go on by themselves. Give new versions an address of their own: npm run deploy:check",
        ),
        lines,
      ),
    ];
  }
  const about = warning(
    check,
    `${count} retried after a failure; most heal by themselves when what failed is back.`,
    `Look closer: ${cli} inv describe <id>`,
  );
  return [withDetails(about, lines)];
}

function judgeWaiting({ longWaiting, longWaitMs, cli, nowMs }: InvocationsQuestion): readonly Finding[] {
  const check = "waiting calls";
  const long = formatDuration(longWaitMs);
  if (longWaiting.count === 0) return [ok(check, `No call has waited for longer than ${long}.`)];
  const lines = (seen: SeenInvocation) => [line(seen, nowMs), `  ${cli} inv cancel ${seen.id}`];
  const about = warning(
    check,
    `${counted(longWaiting, "call has", "calls have")} waited for longer than ${long}; a bank may take that long. Each ends at its deadline at the latest.`,
    "Cancelling a call cancels its payment, or has it refunded if it succeeds after all",
  );
  return [withDetails(about, [...longWaiting.oldest.flatMap(lines), ...andMore(longWaiting)])];
}

function judgeGivenUp({ notificationsGivenUp, cli, nowMs }: InvocationsQuestion): readonly Finding[] {
  if (notificationsGivenUp.count === 0) return [];
  const about = warning(
    "notifications",
    `${counted(notificationsGivenUp, "notification was", "notifications were")} given up in the last two weeks: your system was not told.`,
    "Mend the receiver first; then each of these commands delivers one after all",
  );
  const lines = (seen: SeenInvocation) => [line(seen, nowMs), `  ${cli} inv restart-as-new ${seen.id}`];
  return [withDetails(about, [...notificationsGivenUp.oldest.flatMap(lines), ...andMore(notificationsGivenUp)])];
}

function line({ id, target, sinceMs, failure }: SeenInvocation, nowMs: number): string {
  const head = `${target} ${id}, for ${formatDuration(nowMs - sinceMs)}`;
  if (failure === null) return head;
  return `${head}: ${shortened(failure.message)}${failure.step === null ? "" : ` (at "${failure.step}")`}`;
}

/** A failure's first line says it; a pause names its command, which is printed below anyway. */
function shortened(message: string): string {
  const [first = ""] = message.split("\n");
  const words = first.replace(/,? then: npx restate inv resume \S+$/, ".");
  return words.length > 240 ? `${words.slice(0, 240)}…` : words;
}

function counted({ count }: SeenGroup, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

function andMore({ count, oldest }: SeenGroup): readonly string[] {
  return count > oldest.length ? [`… and ${count - oldest.length} more`] : [];
}
