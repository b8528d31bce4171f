/**
 * Reads the body of a call: bytes become the request that a schema describes, or the caller is told the first errors in a
 * short message. JavaScript alone would replace bytes that are no UTF-8, keep the last of two equal names, and lose the name
 * `__proto__`, all without a word: a payment would differ from its request.
 */
import type { z } from "zod";

/** Far deeper than any request of ours. */
const maximumDepth = 32;

/** The engine keeps the message with the call, and sends it in one piece. */
const maximumErrors = 10;
const maximumMessageBytes = 1600;
const maximumPathLength = 80;
const maximumErrorLength = 160;

type BodyError = { readonly path: readonly PropertyKey[]; readonly message: string };

const utf8 = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/**
 * @param bytes none for a request without a body
 * @throws TypeError with a message for the caller
 */
export function readRequestBody<Request>(schema: z.ZodType<Request>, bytes: Uint8Array): Request {
  const result = schema.safeParse(bytes.length === 0 ? undefined : parse(bytes));
  if (!result.success) throw invalidBody(result.error.issues);
  return result.data;
}

function parse(bytes: Uint8Array): unknown {
  let json: string;
  try {
    json = utf8.decode(bytes);
  } catch {
    throw invalidBody([{ path: [], message: "is not well-formed UTF-8" }]);
  }
  try {
    const error = structureError(json);
    if (error !== null) throw invalidBody([error]);
    return JSON.parse(json);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalidBody([{ path: [], message: `is not JSON: ${error.message}` }]);
  }
}

/** An object or a list that the reader is inside of: the names so far and the last of them; a list has none. */
type Open = { readonly names: Set<string> | null; name: string };

/**
 * Says what a JSON text has that a parsed value no longer shows: too many levels, a name that comes twice in one object, or
 * the name `__proto__`. It reads each character once.
 * @throws SyntaxError for a name with a wrong escape
 */
function structureError(json: string): BodyError | null {
  const open: Open[] = [];
  let expectsName = false;
  for (let at = 0; at < json.length; at++) {
    const character = json.charAt(at);
    switch (character) {
      case '"': {
        const end = endOfText(json, at);
        const error = expectsName ? nameError(open, nameIn(json.slice(at, end + 1))) : null;
        if (error !== null) return error;
        expectsName = false;
        at = end;
        break;
      }
      case "{":
      case "[":
        open.push({ names: character === "{" ? new Set() : null, name: "" });
        if (open.length > maximumDepth) return { path: [], message: `has more than ${maximumDepth} levels` };
        expectsName = character === "{";
        break;
      case "}":
      case "]":
        open.pop();
        expectsName = false;
        break;
      case ",":
        expectsName = open.at(-1)?.names instanceof Set;
        break;
    }
  }
  return null;
}

/** Takes the next name of the innermost object. */
function nameError(open: readonly Open[], name: string): BodyError | null {
  const object = open.at(-1);
  if (object === undefined || object.names === null) return null;
  const isTwice = object.names.has(name);
  object.names.add(name);
  object.name = name;
  if (name !== "__proto__" && !isTwice) return null;
  const path = open.filter(({ names }) => names !== null).map((one) => one.name);
  return { path, message: isTwice ? "is there twice" : "is a name that can't be used" };
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

function invalidBody(errors: readonly BodyError[]): TypeError {
  const lines: string[] = [];
  let bytes = 0;
  for (const error of errors.slice(0, maximumErrors)) {
    const line = lineOf(error);
    bytes += encoder.encode(JSON.stringify(line)).length;
    if (lines.length > 0 && bytes > maximumMessageBytes) break;
    lines.push(line);
  }
  const left = errors.length - lines.length;
  const more = left === 0 ? [] : [`and ${left} more`];
  return new TypeError(["The request is not valid:", ...lines, ...more].join("\n"));
}

/** An error and where it is, as a JSON Pointer. https://datatracker.ietf.org/doc/html/rfc6901 */
function lineOf({ path, message }: BodyError): string {
  const pointer = path.map((name) => `/${cut(String(name), maximumPathLength)}`).join("");
  const where = pointer === "" ? "" : `(at ${cut(pointer, maximumPathLength)}) `;
  return `* ${where}${cut(message, maximumErrorLength)}`;
}

/** The beginning of a text that a caller may have made as long as he likes. */
function cut(text: string, length: number): string {
  return (text.length <= length ? text : `${text.slice(0, length - 1)}…`).toWellFormed();
}
