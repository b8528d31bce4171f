import { parse } from "qs";
import { refusal } from "./apiError.ts";
import type { ParameterSchema } from "./parameterSchemas.ts";

/**
 * Reading a request's form by its endpoint's schema: which parameters it knows, of what type, and which it needs. The
 * messages and codes are Stripe's. https://docs.stripe.com/error-codes
 */
type Raw = string | readonly unknown[] | Readonly<Record<string, unknown>>;
type List = readonly Value[];
type Value = string | number | boolean | null | List | Readonly<Record<string, string>> | Parameters;

/** The parameters of one request after the rules: only known names, each of its declared type; `null` means "unset it". */
export class Parameters {
  readonly #values: ReadonlyMap<string, Value>;

  constructor(values: ReadonlyMap<string, Value>) {
    this.#values = values;
  }

  names(): readonly string[] {
    return [...this.#values.keys()];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  isUnset(name: string): boolean {
    return this.#values.get(name) === null;
  }

  string(name: string): string | undefined {
    const value = this.#values.get(name);
    return typeof value === "string" ? value : undefined;
  }

  /** The value of a text field after this request: as given, null where it was unset, or as it was. */
  text(name: string, current: string | null): string | null {
    return this.isUnset(name) ? null : (this.string(name) ?? current);
  }

  integer(name: string): number | undefined {
    const value = this.#values.get(name);
    return typeof value === "number" ? value : undefined;
  }

  boolean(name: string): boolean | undefined {
    const value = this.#values.get(name);
    return typeof value === "boolean" ? value : undefined;
  }

  hash(name: string): Parameters | undefined {
    const value = this.#values.get(name);
    return value instanceof Parameters ? value : undefined;
  }

  list(name: string): readonly string[] | undefined {
    const value = this.#values.get(name);
    return Array.isArray(value) ? value.map(String) : undefined;
  }

  hashes(name: string): readonly Parameters[] {
    const value = this.#values.get(name);
    return Array.isArray(value) ? value.filter((item) => item instanceof Parameters) : [];
  }

  /** All of it as plain data, in the types of its rules. */
  plain(): Readonly<Record<string, unknown>> {
    return Object.fromEntries([...this.#values].map(([name, value]) => [name, plainOf(value)]));
  }

  metadata(): Readonly<Record<string, string>> | null | undefined {
    const value = this.#values.get("metadata");
    if (value === null || value === undefined) return value;
    return value instanceof Parameters || typeof value !== "object" ? {} : { ...(value as Record<string, string>) };
  }
}

function plainOf(value: Value | Parameters): unknown {
  if (value instanceof Parameters) return value.plain();
  return Array.isArray(value) ? value.map(plainOf) : value;
}

/** Node's client writes `a[0]=`, the command line tool `a[]=`; both are lists. */
export function parseForm(form: string): Readonly<Record<string, unknown>> {
  // Plain objects, because metadata may well have a key named "constructor".
  // Indexes stay keys: `metadata[0]` is metadata, and what a list is, its rule says.
  return parse(form, { plainObjects: true, depth: 8, arrayLimit: -1, parameterLimit: 2000 });
}

/** Throws Stripe's 400 for the first parameter that its schema doesn't allow. */
export function readParameters(
  form: Readonly<Record<string, unknown>>,
  schema: ParameterSchema,
  parent = "",
): Parameters {
  const { properties = {}, required = [] } = schema;
  const values = new Map<string, Value>();
  const paramOf = (name: string) => (parent === "" ? name : `${parent}[${name}]`);
  for (const [name, raw] of Object.entries(form)) {
    const param = paramOf(name);
    const rule = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (rule === undefined) {
      throw refusal(`Received unknown parameter: ${param}`, { code: "parameter_unknown", param });
    }
    const value = readValue(raw as Raw, rule, param);
    if (typeof value === "string" && (name === "url" || name.endsWith("_url"))) checkUrl(value, param);
    values.set(name, value);
  }
  const absent = required.find((name) => !values.has(name));
  if (absent === undefined) return new Parameters(values);
  const param = paramOf(absent);
  throw refusal(`Missing required param: ${param}.`, { code: "parameter_missing", param });
}

/** A page under one of these would run in the buyer's browser as a part of the page that leads to it. */
const DANGEROUS_SCHEMES = new Set(["about:", "blob:", "data:", "file:", "filesystem:", "javascript:", "vbscript:"]);

/** An app's own scheme is taken, as at Stripe. https://docs.stripe.com/error-codes#url-invalid */
function checkUrl(text: string, param: string): void {
  const url = URL.parse(text);
  if (url !== null && !DANGEROUS_SCHEMES.has(url.protocol)) return;
  throw refusal("Not a valid URL", { code: "url_invalid", param });
}

function readValue(raw: Raw, schema: ParameterSchema, param: string): Value {
  const kinds = schema.anyOf ?? [schema];
  if (raw === "") {
    if (kinds.some((kind) => isTexts(kind) || kind.type?.includes("null") || kind.enum?.includes(null))) return null;
    throw refusal(
      `You passed an empty string for '${param}'. We assume empty values are an attempt to unset a parameter; however '${param}' cannot be unset. You should remove '${param}' from your request or supply a non-empty value.`,
      { code: "parameter_invalid_empty", param },
    );
  }
  const isNested = typeof raw !== "string";
  const values = kinds.filter(({ type }) => type !== "null");
  const fitting = values.filter(({ type }) => isNested === (type === "object" || type === "array"));
  const [kind = values[0] ?? {}, ...others] = fitting;
  if (others.length === 0) return readKind(raw, kind, param);
  try {
    return readKind(raw, kind, param);
  } catch {
    return readValue(raw, { anyOf: others }, param);
  }
}

function readKind(raw: Raw, schema: ParameterSchema, param: string): Value {
  refuseUnserved(raw, schema, param);
  const type = typeof schema.type === "string" ? schema.type : schema.type?.find((one) => one !== "null");
  if (type === "integer" || type === "number") return readNumber(raw, schema, param);
  if (type === "boolean") return readBoolean(raw, param);
  if (type === "object") return readHash(raw, schema, param);
  if (type === "array") return readList(raw, schema, param);
  return readString(raw, schema, param);
}

function refuseUnserved(raw: Raw, { not }: ParameterSchema, param: string): void {
  if (not === undefined) return;
  if (not.enum === undefined) {
    const message = `Received unknown parameter: ${param}. (Stripe knows it; this sandbox doesn't serve it.)`;
    throw refusal(message, { code: "parameter_unknown", param });
  }
  if (typeof raw !== "string" || !not.enum.includes(raw)) return;
  throw refusal(`Invalid ${param}: this sandbox doesn't serve ${raw}. (Stripe does.)`, { param });
}

function readBoolean(raw: Raw, param: string): boolean {
  if (raw === "true" || raw === "false") return raw === "true";
  throw refusal(`Invalid boolean: ${printRaw(raw)}`, { param });
}

function readString(raw: Raw, { enum: values, maxLength = 5000, pattern }: ParameterSchema, param: string): string {
  if (typeof raw !== "string") throw refusal("Invalid string: " + printRaw(raw), { param });
  if (values !== undefined && !values.includes(raw)) {
    const names = values.filter((value) => value !== null);
    const choice = names.length > 1 ? `${names.slice(0, -1).join(", ")}, or ${names.at(-1)}` : names.join("");
    throw refusal(`Invalid ${param}: must be one of ${choice}`, { param });
  }
  if (characters(raw) > maxLength) {
    throw refusal(`Invalid string: ${raw.slice(0, 4)}...${raw.slice(-4)}; must be at most ${maxLength} characters`, {
      param,
    });
  }
  if (pattern !== undefined && !new RegExp(pattern).test(raw)) throw refusal(`Invalid decimal: ${raw}`, { param });
  return raw;
}

function readNumber(raw: Raw, { type, minimum = -Infinity }: ParameterSchema, param: string): number {
  const isWhole = type !== "number";
  if (typeof raw !== "string" || !(isWhole ? /^-?\d{1,15}$/ : /^-?\d{1,15}(\.\d+)?$/).test(raw)) {
    const kind = isWhole ? "integer" : "decimal";
    throw refusal(`Invalid ${kind}: ${printRaw(raw)}`, {
      code: `parameter_invalid_${isWhole ? "integer" : "string"}`,
      param,
    });
  }
  if (Number(raw) >= minimum) return Number(raw);
  const message = `This value must be greater than or equal to ${minimum}.`;
  throw refusal(message, { code: "parameter_invalid_integer", param });
}

function readHash(raw: Raw, schema: ParameterSchema, param: string): Value {
  if (!isHash(raw)) throw refusal("Invalid object", { param });
  if (isTexts(schema)) return readMetadata(raw, param);
  const { additionalProperties: each } = schema;
  if (each === undefined || each === false) return readParameters(raw, schema, param);
  const entries = Object.entries(raw).map(
    ([key, value]) => [key, readValue(value as Raw, each, `${param}[${key}]`)] as const,
  );
  return new Parameters(new Map(entries));
}

function readList(raw: Raw, { items = {}, maxItems = 100 }: ParameterSchema, param: string): List {
  const isList = typeof raw === "object" && Object.keys(raw).every((key) => /^\d+$/.test(key));
  if (!isList) throw refusal("Invalid array", { param });
  const values: readonly unknown[] = Object.values(raw);
  if (values.length > maxItems) throw refusal(`Invalid array: must have at most ${maxItems} elements`, { param });
  return values.map((value, index) => readValue(value as Raw, items, `${param}[${index}]`));
}

/** Metadata, or another hash whose keys are the caller's. */
function isTexts({ additionalProperties }: ParameterSchema): boolean {
  return additionalProperties !== undefined && additionalProperties !== false && additionalProperties.type === "string";
}

// Metadata: https://docs.stripe.com/api/metadata. The limit of 50 keys holds after merging, so it is checked there.
function readMetadata(raw: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, string>> {
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(raw)) {
    const param = `${name}[${key}]`;
    if (characters(key) > 40) {
      const message = `Metadata keys can have up to 40 characters, but you passed in a key that is ${characters(key)} characters. Invalid key: ${key}`;
      throw refusal(message, { param: name });
    }
    if (typeof value !== "string")
      throw refusal("Metadata values must be strings, but you passed in an object", { param });
    if (characters(value) > 500) {
      const message = `Metadata values can have up to 500 characters, but you passed in a value that is ${characters(value)} characters. Invalid value: ${value}`;
      throw refusal(message, { param });
    }
    metadata[key] = value;
  }
  return metadata;
}

function isHash(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw);
}

function printRaw(raw: unknown): string {
  return typeof raw === "string" ? raw : JSON.stringify(raw);
}

/** Merges as Stripe does: an empty value removes its key, an empty parameter all of them. */
export function mergeMetadata(
  current: Readonly<Record<string, string>>,
  change: Readonly<Record<string, string>> | null | undefined,
): Record<string, string> {
  if (change === null) return {};
  const merged = { ...current, ...change };
  for (const [key, value] of Object.entries(merged)) {
    if (value === "") delete merged[key];
  }
  const count = Object.keys(merged).length;
  if (count > 50) {
    throw refusal(`You can only set up to 50 metadata keys, but this request would result in ${count}.`, {
      param: "metadata",
    });
  }
  return merged;
}

/** Stripe counts characters, not the halves of which JavaScript makes some of them. */
function characters(text: string): number {
  return Array.from(text).length;
}
