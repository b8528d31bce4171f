import { PauseError, TerminalError, type LoggerTransport } from "@restatedev/restate-sdk";
import { pino } from "pino";
import { labelOfInvocation } from "./accountLabels.ts";
import { withoutSecrets } from "./secrets.ts";

/** A line for a person, who also finds the JSON of other programs unreadable; or JSON, for what collects logs. */
export type LogForm = "line" | "json";

/** Fields of these names, three levels deep, whatever is in them. Secrets in texts are known by their form: secrets.ts. */
const secretFields = ["authorization", "apiKey", "clientSecret", "client_secret", "password", "secret", "secretKey"];
const secretPaths = ["details[*]", "details[*].*", "details[*].*.*"].flatMap((place) =>
  secretFields.map((field) => `${place}.${field}`),
);

/**
 * Logs what an operator has to know: our own messages, and outages with their cause. What a replay would say again is left
 * out, and so are the SDK's progress reports, its second report of an error that a step already reported, and the
 * TerminalErrors that calls are answered with: a declined card is business, not trouble. Warnings and errors go to stderr.
 */
export function createLog(form: LogForm): LoggerTransport {
  const logger = pino(
    {
      base: null,
      level: "trace",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretPaths, censor: "[redacted]" },
    },
    { write: (json) => print(JSON.parse(json) as Entry, form === "json" ? json.trimEnd() : undefined) },
  );
  return ({ level, replaying, source, context }, ...words) => {
    if (replaying) return;
    if (!isOneOf(source, ["USER"]) && (!isGrave(level) || words.some(isKnownOtherwise))) return;
    const texts = words.filter(isText).map(textOf).filter(Boolean);
    const details = words.filter((word) => !isText(word) && word !== undefined).map((word) => withoutSecrets(word));
    const account = context && labelOfInvocation(context.invocationId);
    const where = context && {
      target: context.invocationTarget,
      invocation: context.invocationId,
      ...(account !== undefined && { account }),
    };
    logger[level]({ ...where, ...(details.length > 0 && { details }) }, withoutSecrets(texts.join(" ")));
  };
}

export const log = createLog("line");

type Entry = {
  readonly level: string;
  readonly msg: string;
  readonly target?: string;
  readonly invocation?: string;
  readonly account?: string;
  readonly details?: readonly unknown[];
};

function print(entry: Entry, json: string | undefined): void {
  const { level, msg, target, invocation, account, details = [] } = entry;
  const where = [target, invocation, account && `of ${account}`].flatMap((part) => (part ? [` ${part}`] : [])).join("");
  const said = [msg, ...details.map((detail) => JSON.stringify(detail))].filter(Boolean).join(" ");
  const line = json ?? `${level.toUpperCase()}${where}: ${said}`;
  if (isGrave(level)) console.error(line);
  else console.info(line);
}

/** A step that pauses has logged why, and what to do, in its own words. */
function isKnownOtherwise(word: unknown): boolean {
  if (word instanceof TerminalError || word instanceof PauseError) return true;
  return word instanceof Error && /Stacktrace: (StripeOutage|RetryableError|PauseError)/.test(word.message);
}

function isText(word: unknown): word is string | Error {
  return typeof word === "string" || word instanceof Error;
}

/** An error's own message, and its stack only where it is a bug: outages of Stripe are expected and name themselves. */
function textOf(word: string | Error): string {
  if (typeof word === "string") return word.trim();
  return word.name === "StripeOutage" ? word.message : (word.stack ?? word.message);
}

function isGrave(level: string): boolean {
  return isOneOf(level, ["warn", "error"]);
}

/** The SDK exports its enums as types only. */
function isOneOf(value: string, values: readonly string[]): boolean {
  return values.includes(value);
}
