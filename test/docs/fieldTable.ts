/** Fields of a request or an answer, as rows of a Markdown table, read from the JSON Schema of its zod schema. */
import { z } from "zod";

/** A JSON Schema, as far as our contracts use the language. */
type Schema = {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
};

export type Field = {
  /** With dots where it is inside of another one. */
  readonly path: string;
  readonly required: boolean;
  readonly default: unknown;
  /** Markdown: its type and limits. */
  readonly type: string;
  readonly description: string;
  /** The variants of the object that have it, where not all do; Markdown. */
  readonly onlyWith: string | null;
};

export function schemaOf(schema: z.ZodType, io: "input" | "output"): Schema {
  return z.toJSONSchema(schema, { io }) as Schema;
}

/** Every field of an object or of a union of objects. Those of `closed` fields are not opened. */
export function fieldsOf(schema: Schema, closed: readonly string[] = [], prefix = ""): readonly Field[] {
  const variants = schema.oneOf ?? [schema];
  const tag = tagOf(variants);
  const names = [...new Set(variants.flatMap((variant) => Object.keys(variant.properties ?? {})))];
  return names.flatMap((name) => {
    const having = variants.filter((variant) => variant.properties?.[name] !== undefined);
    const found = having.map((variant) => variant.properties?.[name] ?? {});
    const [first = {}] = found;
    const merged = name === tag ? { enum: found.flatMap(valuesOf) } : first;
    const field: Field = {
      path: prefix + name,
      required: having.every(({ required = [] }) => required.includes(name)),
      default: merged.default,
      type: closed.includes(name) ? typeName("an action", isNullable(merged)) : typeOf(merged),
      description: merged.description ?? "",
      onlyWith:
        having.length === variants.length
          ? null
          : having
              .map((variant) =>
                valuesOf(variant.properties?.[tag] ?? {})
                  .map(code)
                  .join(" or "),
              )
              .join(" or "),
    };
    const inner = closed.includes(name) ? [] : innerFieldsOf(merged, closed, `${prefix}${name}.`);
    return [field, ...inner];
  });
}

/** Fields that are all alike are told by their object's type. */
function innerFieldsOf(schema: Schema, closed: readonly string[], prefix: string): readonly Field[] {
  const plain = withoutNull(schema);
  if (alike(plain) !== null) return [];
  return plain.oneOf !== undefined || plain.properties !== undefined ? fieldsOf(plain, closed, prefix) : [];
}

/** The type that all fields of an object have, if they are many and have nothing else to say. */
function alike({ properties = {} }: Schema): string | null {
  const types = new Set(
    Object.values(properties).map((field) => (field.description === undefined ? typeOf(field) : "")),
  );
  const [only = ""] = types;
  return Object.keys(properties).length > 3 && types.size === 1 && only !== "" ? only : null;
}

/** The field that tells the variants of a union apart. */
function tagOf(variants: readonly Schema[]): string {
  const candidates = variants.length > 1 ? Object.keys(variants[0]?.properties ?? {}) : [];
  const isTag = (name: string) => variants.every((variant) => valuesOf(variant.properties?.[name] ?? {}).length > 0);
  const hasOwnValues = (name: string) => {
    const values = variants.flatMap((variant) => valuesOf(variant.properties?.[name] ?? {}));
    return new Set(values).size === values.length;
  };
  return candidates.find((name) => isTag(name) && hasOwnValues(name)) ?? "";
}

function valuesOf(schema: Schema): readonly unknown[] {
  return schema.const === undefined ? (schema.enum ?? []) : [schema.const];
}

/** A type and its limits, in Markdown. */
function typeOf(schema: Schema): string {
  const plain = withoutNull(schema);
  return typeName(plainTypeOf(plain), isNullable(schema));
}

function typeName(name: string, nullable: boolean): string {
  return nullable ? `${name}, or null` : name;
}

function plainTypeOf(schema: Schema): string {
  const values = valuesOf(schema);
  if (values.length > 0) return values.map(code).join(", ");
  if (schema.anyOf !== undefined) return schema.anyOf.map(plainTypeOf).join(" or ");
  if (schema.type === "boolean") return "boolean";
  if (schema.type === "integer") return `integer${range(schema)}`;
  if (schema.type === "string") return textOf(schema);
  if (schema.type === "array") return "list";
  return objectOf(schema);
}

const formats: Readonly<Record<string, string>> = {
  email: "email address",
  uri: "URL",
  ipv4: "IPv4",
  ipv6: "IPv6 address",
};

function textOf({ format = "", minLength, maxLength }: Schema): string {
  const kind = formats[format] ?? "text";
  if (maxLength === undefined) return kind;
  return minLength === undefined
    ? `${kind}, to ${maxLength} characters`
    : `${kind}, ${minLength}…${maxLength} characters`;
}

function objectOf(schema: Schema): string {
  const common = alike(schema);
  if (common !== null)
    return `object with ${Object.keys(schema.properties ?? {})
      .map(code)
      .join(", ")}: each ${common}`;
  const { additionalProperties: values, propertyNames: keys } = schema;
  if (typeof values !== "object") return "object";
  const length = (name: string, { maxLength }: Schema) =>
    maxLength === undefined ? [] : [`${name} to ${maxLength} characters`];
  return ["object of texts", ...length("keys", keys ?? {}), ...length("values", values)].join(", ");
}

function range({ minimum, maximum = Number.MAX_SAFE_INTEGER }: Schema): string {
  return maximum < Number.MAX_SAFE_INTEGER ? `, ${minimum}…${maximum}` : "";
}

function isNullable(schema: Schema): boolean {
  return Array.isArray(schema.type) ? schema.type.includes("null") : (schema.anyOf ?? []).some(isNull);
}

function isNull({ type }: Schema): boolean {
  return type === "null";
}

function withoutNull(schema: Schema): Schema {
  if (Array.isArray(schema.type)) return { ...schema, type: schema.type.find((type) => type !== "null") ?? "null" };
  const [only, ...others] = (schema.anyOf ?? []).filter((one) => !isNull(one));
  return isNullable(schema) && only !== undefined && others.length === 0 ? only : schema;
}

export function code(value: unknown): string {
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}
