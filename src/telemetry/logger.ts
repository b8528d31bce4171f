import { PauseError, TerminalError, type LogMetadata } from "@restatedev/restate-sdk";

/**
 * Logs what an operator has to know, a line each: our own messages, and outages with their cause. What a replay would say
 * again is left out, and so are the SDK's progress reports, its second report of an error that a step already reported,
 * and the TerminalErrors that calls are answered with: a declined card is business, not trouble.
 */
export function log(metadata: LogMetadata, ...words: readonly unknown[]): void {
  const { level, replaying, source, context } = metadata;
  if (replaying) return;
  const ours = isOneOf(source, ["USER"]);
  const grave = isOneOf(level, ["warn", "error"]);
  if (!ours && (!grave || words.some(isKnownOtherwise))) return;
  const where = context === undefined ? "" : ` ${context.invocationTarget} ${context.invocationId}`;
  const line = `${level.toUpperCase()}${where}: ${words.map(textOf).filter(Boolean).join(" ")}`;
  if (grave) console.error(line);
  else console.info(line);
}

/** A step that pauses has logged why, and what to do, in its own words. */
function isKnownOtherwise(word: unknown): boolean {
  if (word instanceof TerminalError || word instanceof PauseError) return true;
  return word instanceof Error && /Stacktrace: (StripeOutage|PauseError)/.test(word.message);
}

/** An error's own message, and its stack only where it is a bug: outages of Stripe are expected and name themselves. */
function textOf(word: unknown): string {
  if (word instanceof Error) return word.name === "StripeOutage" ? word.message : (word.stack ?? word.message);
  return typeof word === "string" ? word.trim() : (JSON.stringify(word) ?? "");
}

/** The SDK exports its enums as types only. */
function isOneOf(value: string, values: readonly string[]): boolean {
  return values.includes(value);
}
