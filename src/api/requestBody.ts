/**
 * Reads the body of a call: bytes become the request that a schema describes, or the caller is told the first errors in a
 * short message. JavaScript alone would replace bytes that are no UTF-8, keep the last of two equal names, and lose the name
 * `__proto__`, all without a word: a payment would differ from its request.
 */
import type { z } from "zod";

/** Far deeper than any request of ours. */
const maximumDepth = 32;

/** Far more than any object or list of a request has. */
const maximumMembers = 200;

/** The engine keeps the message with the call, and sends it in one piece. */
const maximumErrors = 10;
const maximumMessageBytes = 1600;
const maximumPathLength = 80;
const maximumErrorLength = 160;

type BodyIssue = { readonly path: readonly PropertyKey[]; readonly message: string };

/** One error of a body: where it is, as a JSON Pointer (empty for the body itself), and what is wrong. */
export type BodyError = { readonly path: string; readonly message: string };

/** The request is not valid. Its message is for the caller, and so are the first errors by themselves. */
export class InvalidBodyError extends TypeError {
  override readonly name = "InvalidBodyError";
  readonly errors: readonly BodyError[];
  constructor(message: string, errors: readonly BodyError[]) {
    super(message);
    this.errors = errors;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/**
 * @param bytes none for a request without a body
 * @throws InvalidBodyError
 */
export function readRequestBody<Request>(schema: z.ZodType<Request>, bytes: Uint8Array): Request {
  const { value, isWhole } = bytes.length === 0 ? { value: undefined, isWhole: true } : parse(bytes);
  const result = schema.safeParse(value);
  if (!result.success) throw invalidBody(result.error.issues);
  if (!isWhole) throw invalidBody([{ path: [], message: `has more than ${maximumMembers} fields in one object` }]);
  return result.data;
}

/**
 * Only the beginning is parsed of a body with more fields than any request has. It has errors enough for an answer, and the
 * hundred thousand after them would take the service's time from other payments.
 */
function parse(bytes: Uint8Array): { readonly value: unknown; readonly isWhole: boolean } {
  let json: string;
  try {
    json = utf8.decode(bytes);
  } catch {
    throw invalidBody([{ path: [], message: "is not well-formed UTF-8" }]);
  }
  try {
    const beginning = checkedBeginning(json);
    return { value: JSON.parse(beginning ?? json), isWhole: beginning === null };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalidBody([{ path: [], message: `is not JSON: ${error.message}` }]);
  }
}

/** An object or a list that the reader is inside of: the names so far and the last of them; a list has none. */
type Open = { readonly names: Set<string> | null; name: string; members: number };

/**
 * Refuses what a parsed value no longer shows: too many levels, a name that comes twice in one object, or the name
 * `__proto__`. It reads each character once, and stops at the first object or list that has too many members.
 * @returns the text to that place, with its brackets closed; null for a text that is whole
 * @throws InvalidBodyError
 * @throws SyntaxError for a name with a wrong escape
 */
function checkedBeginning(json: string): string | null {
  const open: Open[] = [];
  let expectsName = false;
  for (let at = 0; at < json.length; at++) {
    const character = json.charAt(at);
    switch (character) {
      case '"': {
        const end = endOfText(json, at);
        if (expectsName) takeName(open, nameIn(json.slice(at, end + 1)));
        expectsName = false;
        at = end;
        break;
      }
      case "{":
      case "[":
        open.push({ names: character === "{" ? new Set() : null, name: "", members: 1 });
        if (open.length > maximumDepth)
          throw invalidBody([{ path: [], message: `has more than ${maximumDepth} levels` }]);
        expectsName = character === "{";
        break;
      case "}":
      case "]":
        open.pop();
        expectsName = false;
        break;
      case ",": {
        const inside = open.at(-1);
        if (inside !== undefined && ++inside.members > maximumMembers) return json.slice(0, at) + closing(open);
        expectsName = inside?.names instanceof Set;
        break;
      }
    }
  }
  return null;
}

function closing(open: readonly Open[]): string {
  return open
    .map(({ names }) => (names === null ? "]" : "}"))
    .toReversed()
    .join("");
}

/** Takes the next name of the innermost object. */
function takeName(open: readonly Open[], name: string): void {
  const object = open.at(-1);
  if (object === undefined || object.names === null) return;
  const isTwice = object.names.has(name);
  object.names.add(name);
  object.name = name;
  if (name !== "__proto__" && !isTwice) return;
  const path = open.filter(({ names }) => names !== null).map((one) => one.name);
  throw invalidBody([{ path, message: isTwice ? "is there twice" : "is a name that can't be used" }]);
}

/** Where the text that begins at a quote ends: at its other quote, or with the body. */
function endOfText(json: string, begin: number): number {
  let at = begin + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at;
}

function nameIn(text: string): string {
  return text.includes("\\") ? String(JSON.parse(text)) : text.slice(1, -1);
}

function invalidBody(issues: readonly BodyIssue[]): InvalidBodyError {
  const errors: BodyError[] = [];
  const lines: string[] = [];
  let bytes = 0;
  for (const issue of issues.slice(0, maximumErrors)) {
    const error = bodyErrorOf(issue);
    const line = lineOf(error);
    bytes += encoder.encode(JSON.stringify(line)).length;
    if (lines.length > 0 && bytes > maximumMessageBytes) break;
    errors.push(error);
    lines.push(line);
  }
  const more = issues.length > lines.length ? ["and more"] : [];
  return new InvalidBodyError(["The request is not valid:", ...lines, ...more].join("\n"), errors);
}

/** An error and where it is, as a JSON Pointer. https://datatracker.ietf.org/doc/html/rfc6901 */
function bodyErrorOf({ path, message }: BodyIssue): BodyError {
  const pointer = path.map((name) => `/${cut(String(name), maximumPathLength)}`).join("");
  return { path: cut(pointer, maximumPathLength), message: cut(message, maximumErrorLength) };
}

function lineOf({ path, message }: BodyError): string {
  return path === "" ? `* ${message}` : `* (at ${path}) ${message}`;
}

/** The beginning of a text that a caller may have made as long as he likes. */
function cut(text: string, length: number): string {
  return (text.length <= length ? text : `${text.slice(0, length - 1)}…`).toWellFormed();
}
