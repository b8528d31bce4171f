import { parse } from "qs";
import { refusal } from "./apiError.ts";

/**
 * Reading a request's form by rules that are data: which parameters an endpoint knows, of what type, and which it needs.
 * The messages and codes are Stripe's. https://docs.stripe.com/error-codes
 */
export type ParameterRule =
  | {
      readonly kind: "string";
      readonly required?: true;
      readonly values?: readonly string[];
      readonly unsettable?: true;
      readonly maxLength?: number;
    }
  | { readonly kind: "integer"; readonly required?: true; readonly minimum?: number; readonly unsettable?: true }
  | { readonly kind: "boolean"; readonly required?: true }
  | {
      readonly kind: "hash";
      readonly fields: ParameterRules | "any";
      readonly required?: true;
      readonly unsettable?: true;
    }
  | {
      readonly kind: "list";
      readonly maximumItems?: number;
      readonly required?: true;
      readonly unsettable?: true;
      /** For a list of hashes: what each of them takes. */
      readonly items?: ParameterRules;
    }
  | { readonly kind: "metadata" }
  | { readonly kind: "range" }
  | { readonly kind: "boolean_or_string" };

export type ParameterRules = Readonly<Record<string, ParameterRule>>;

type Raw = string | readonly unknown[] | Readonly<Record<string, unknown>>;
type List = readonly string[] | readonly Parameters[];
type Value = string | number | boolean | null | List | Readonly<Record<string, string>> | Parameters;

/** The parameters of one request after the rules: only known names, each of its declared type; `null` means "unset it". */
export class Parameters {
  readonly #values: ReadonlyMap<string, Value>;

  constructor(values: ReadonlyMap<string, Value>) {
    this.#values = values;
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

  /** What a text field holds after this request: as given, null where it was unset, or as it was. */
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

/** Throws Stripe's 400 for the first parameter that breaks a rule. */
export function readParameters(
  form: Readonly<Record<string, unknown>>,
  rules: ParameterRules,
  parent = "",
): Parameters {
  const values = new Map<string, Value>();
  for (const [name, raw] of Object.entries(form)) {
    const param = parent === "" ? name : `${parent}[${name}]`;
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      throw refusal(`Received unknown parameter: ${param}`, { code: "parameter_unknown", param });
    }
    values.set(name, readValue(raw as Raw, rule, param));
  }
  for (const [name, rule] of Object.entries(rules)) {
    if ("required" in rule && !values.has(name)) {
      const param = parent === "" ? name : `${parent}[${name}]`;
      throw refusal(`Missing required param: ${param}.`, { code: "parameter_missing", param });
    }
  }
  return new Parameters(values);
}

function readValue(raw: Raw, rule: ParameterRule, param: string): Value {
  if (raw === "" && rule.kind !== "metadata") {
    if ("unsettable" in rule) return null;
    throw refusal(
      `You passed an empty string for '${param}'. We assume empty values are an attempt to unset a parameter; however '${param}' cannot be unset. You should remove '${param}' from your request or supply a non-empty value.`,
      { code: "parameter_invalid_empty", param },
    );
  }
  switch (rule.kind) {
    case "string":
      return readString(raw, rule.values, rule.maxLength, param);
    case "integer":
      return readInteger(raw, rule.minimum, param);
    case "boolean":
      if (raw === "true" || raw === "false") return raw === "true";
      throw refusal(`Invalid boolean: ${printRaw(raw)}`, { param });
    case "boolean_or_string":
      return raw === "true" || raw === "false" ? raw === "true" : readString(raw, undefined, undefined, param);
    case "hash":
      if (!isHash(raw)) throw refusal("Invalid object", { param });
      return rule.fields === "any" ? readAny(raw) : readParameters(raw, rule.fields, param);
    case "list":
      return readList(raw, rule, param);
    case "metadata":
      return raw === "" ? null : readMetadata(raw);
    case "range":
      return readRange(raw, param);
  }
}

/** A hash that no rule describes is kept as it came. */
function readAny(raw: Readonly<Record<string, unknown>>): Parameters {
  const values = Object.entries(raw).map(([name, value]): [string, Value] => [
    name,
    isHash(value) ? readAny(value) : String(value),
  ]);
  return new Parameters(new Map(values));
}

function readString(raw: unknown, values: readonly string[] | undefined, maxLength = 5000, param: string): string {
  if (typeof raw !== "string") throw refusal("Invalid string: " + printRaw(raw), { param });
  if (values !== undefined && !values.includes(raw)) {
    const last = values.at(-1);
    const choice = values.length > 1 ? `${values.slice(0, -1).join(", ")}, or ${last}` : last;
    throw refusal(`Invalid ${param}: must be one of ${choice}`, { param });
  }
  if (characters(raw) > maxLength) {
    throw refusal(`Invalid string: ${raw.slice(0, 4)}...${raw.slice(-4)}; must be at most ${maxLength} characters`, {
      param,
    });
  }
  return raw;
}

function readInteger(raw: Raw, minimum: number | undefined, param: string): number {
  if (typeof raw !== "string" || !/^-?\d{1,15}$/.test(raw)) {
    throw refusal(`Invalid integer: ${printRaw(raw)}`, { code: "parameter_invalid_integer", param });
  }
  const value = Number(raw);
  if (minimum !== undefined && value < minimum) {
    const message = `This value must be greater than or equal to ${minimum}.`;
    throw refusal(message, { code: "parameter_invalid_integer", param });
  }
  return value;
}

function readList(raw: Raw, rule: Extract<ParameterRule, { kind: "list" }>, param: string): List {
  if (typeof raw === "string") throw refusal("Invalid array", { param });
  const items: readonly unknown[] = Object.values(raw);
  const maximum = rule.maximumItems ?? 100;
  if (items.length > maximum) throw refusal(`Invalid array: must have at most ${maximum} elements`, { param });
  const { items: fields } = rule;
  if (fields === undefined) return items.map((item) => readString(item, undefined, undefined, param));
  return items.map((item, index) => {
    const name = `${param}[${index}]`;
    if (!isHash(item)) throw refusal("Invalid object", { param: name });
    return readParameters(item, fields, name);
  });
}

// Metadata: https://docs.stripe.com/api/metadata. The limit of 50 keys holds after merging, so it is checked there.
function readMetadata(raw: Raw): Readonly<Record<string, string>> {
  if (!isHash(raw)) throw refusal("Invalid object", { param: "metadata" });
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(raw)) {
    const param = `metadata[${key}]`;
    if (characters(key) > 40) {
      const message = `Metadata keys can have up to 40 characters, but you passed in a key that is ${characters(key)} characters. Invalid key: ${key}`;
      throw refusal(message, { param: "metadata" });
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

const RANGE_FIELDS: ParameterRules = Object.fromEntries(
  ["gt", "gte", "lt", "lte"].map((name) => [name, { kind: "integer" }]),
);

function readRange(raw: Raw, param: string): Value {
  return isHash(raw) ? readParameters(raw, RANGE_FIELDS, param) : readInteger(raw, undefined, param);
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
