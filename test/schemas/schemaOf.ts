import {
  type InterfaceDeclaration,
  isArrayTypeNode,
  isIndexSignatureDeclaration,
  isInterfaceDeclaration,
  isLiteralTypeNode,
  isPropertySignatureDeclaration,
  isStringLiteral,
  isTypeLiteralNode,
  isTypeReferenceNode,
  isUnionTypeNode,
  type Node,
  SyntaxKind,
  type TypeElement,
  type TypeNode,
} from "typescript/unstable/ast";
import type { Declarations, Declared } from "./declarations.ts";

/** As much of JSON Schema as Stripe's declarations need. https://json-schema.org/draft/2020-12 */
export type JsonSchema = {
  $ref?: string;
  type?: string | string[];
  enum?: (string | boolean | null)[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  discriminator?: { propertyName: string };
  additionalProperties?: JsonSchema | false;
  pattern?: string;
};

type Definitions = Record<string, JsonSchema>;

/** Every other number that Stripe declares is a whole one. */
const FRACTIONS = /percent|score|rate$|^(height|length|weight|width|latitude|longitude)$/;

const TEXTS: JsonSchema = { type: "object", additionalProperties: { type: "string" } };

/** Types and literals that are the same wherever they stand. An empty text is how the client sends null. */
const PLAIN: Readonly<Record<string, JsonSchema>> = {
  string: { type: "string" },
  boolean: { type: "boolean" },
  unknown: {},
  null: { type: "null" },
  "''": { type: "null" },
  true: { enum: [true] },
  false: { enum: [false] },
  Decimal: { type: "string", pattern: "^-?[0-9]+([.][0-9]+)?$" },
  OtherString: { type: "string" },
  Metadata: TEXTS,
  MetadataParam: TEXTS,
};

/**
 * Turns declared types into JSON Schemas: an interface into a definition that others refer to, everything else in place.
 * Stripe's open enums (`'a' | 'b' | OtherString`) are closed here: a value that nobody declared is more likely a slip.
 */
export class SchemaWriter {
  readonly definitions: Definitions = {};
  readonly #written = new Map<string, Node>();
  readonly #declarations: Declarations;
  /** Says what to write in the place of a definition, if anything. */
  readonly #replace: (declared: Declared) => JsonSchema | null;

  constructor(declarations: Declarations, replace: (declared: Declared) => JsonSchema | null = () => null) {
    this.#declarations = declarations;
    this.#replace = replace;
  }

  /** `name` is that of the property, which tells whole numbers from fractions. */
  schemaOf(type: TypeNode, name = ""): JsonSchema {
    if (type.kind === SyntaxKind.NumberKeyword) return { type: FRACTIONS.test(name) ? "number" : "integer" };
    const plain = PLAIN[type.getText()];
    if (plain !== undefined) return plain;
    if (isLiteralTypeNode(type) && isStringLiteral(type.literal)) return { enum: [type.literal.text] };
    if (isUnionTypeNode(type)) return union(type.types.filter(isKnown).map((one) => this.schemaOf(one, name)));
    if (isArrayTypeNode(type)) return { type: "array", items: this.schemaOf(type.elementType, name) };
    if (isTypeLiteralNode(type)) return this.hash(type.members);
    if (isTypeReferenceNode(type)) return this.#named(type.typeName, type.typeArguments ?? [], name);
    throw new Error(`No schema can be made of ${type.getText()}.`);
  }

  #named(typeName: Node, [argument]: readonly TypeNode[], name: string): JsonSchema {
    const known = typeName.getText();
    if (argument !== undefined) {
      const inner = this.schemaOf(argument, name);
      switch (known) {
        case "Array":
          return { type: "array", items: inner };
        case "Emptyable":
          return union([inner, { type: "null" }]);
        case "ApiList":
        case "ApiListPromise":
          return listOf("list", inner, {});
        case "ApiSearchResultPromise":
          return listOf("search_result", inner, { next_page: { type: ["string", "null"] } });
        case "Promise":
        case "Response":
          return inner;
        case "Partial":
          return { type: "object" };
      }
      throw new Error(`No schema can be made of ${known}<…>.`);
    }
    return this.refer(this.#declarations.find(typeName));
  }

  refer(declared: Declared): JsonSchema {
    const { id, node } = declared;
    const replaced = this.#replace(declared);
    if (replaced !== null) return replaced;
    if (!isInterfaceDeclaration(node)) return this.schemaOf(node.type);
    if ((this.#written.get(id) ?? node) !== node) throw new Error(`There are two declarations of ${id}.`);
    if (!this.#written.has(id)) {
      this.#written.set(id, node);
      this.definitions[id] = this.hash(this.members(node));
    }
    return { $ref: `#/$defs/${id}` };
  }

  /** Those of the interface and of what it extends; its own replace the others. */
  members(node: InterfaceDeclaration): TypeElement[] {
    const bases = (node.heritageClauses ?? []).flatMap(({ types }) => [...types]);
    const inherited = bases.flatMap(({ expression }) => {
      const base = this.#declarations.find(expression).node;
      return isInterfaceDeclaration(base) ? this.members(base) : [];
    });
    const own = new Set(node.members.map(nameOf));
    return [...inherited.filter((member) => !own.has(nameOf(member))), ...node.members];
  }

  hash(members: Iterable<TypeElement>): JsonSchema {
    const properties: Record<string, JsonSchema> = {};
    const required: string[] = [];
    for (const member of members) {
      if (isIndexSignatureDeclaration(member)) {
        return { type: "object", additionalProperties: this.schemaOf(member.type) };
      }
      if (!isPropertySignatureDeclaration(member)) throw new Error(`A hash can't hold ${member.getText()}.`);
      const name = nameOf(member);
      // `deleted?: void` says that it is never there.
      if (member.type.kind === SyntaxKind.VoidKeyword) continue;
      properties[name] = this.schemaOf(member.type, name);
      if (member.postfixToken?.kind !== SyntaxKind.QuestionToken) required.push(name);
    }
    return hash(properties, required);
  }
}

export function nameOf(member: TypeElement): string {
  return isPropertySignatureDeclaration(member) ? member.name.getText().replaceAll(/^['"]|['"]$/g, "") : "";
}

export function hash(properties: Record<string, JsonSchema>, required = Object.keys(properties)): JsonSchema {
  return {
    type: "object",
    properties,
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

/** https://docs.stripe.com/api/pagination, https://docs.stripe.com/api/pagination/search */
function listOf(object: string, items: JsonSchema, more: Record<string, JsonSchema>): JsonSchema {
  return hash({
    object: { enum: [object] },
    data: { type: "array", items },
    has_more: { type: "boolean" },
    url: { type: "string" },
    ...more,
  });
}

function isKnown(type: TypeNode): boolean {
  return !(isTypeReferenceNode(type) && type.typeName.getText() === "OtherString");
}

/** One schema where one can say it (`{ type: ["string", "null"] }`), else one for each kind of value. */
function union(parts: readonly JsonSchema[]): JsonSchema {
  const flat = parts.flatMap((part) => part.anyOf ?? [part]);
  const types = new Set(flat.filter(isSimple).flatMap(({ type = [] }) => type));
  const values = new Set(flat.flatMap((part) => part.enum ?? []));
  if (types.has("null") && values.size > 0) values.add(null);
  if (types.has("string")) values.clear();
  else if (values.size > 0) types.delete("null");
  const list = [...types];
  const simple: JsonSchema[] = [];
  if (list.length > 0) simple.push({ type: list.length === 1 ? String(list[0]) : list });
  if (values.size > 0) simple.push({ enum: [...values] });
  const whole = [...simple, ...flat.filter((part) => part.enum === undefined && !isSimple(part))];
  const [only] = whole;
  return whole.length === 1 && only !== undefined ? only : { anyOf: whole };
}

function isSimple(schema: JsonSchema): boolean {
  return Object.keys(schema).join() === "type" && schema.type !== "object" && schema.type !== "array";
}
