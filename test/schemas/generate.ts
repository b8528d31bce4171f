/**
 * Writes what this project knows of the shape of Stripe's API, from the declarations of the installed `stripe` package:
 *
 *   npm run schemas
 *
 * The sandbox's endpoints say which part of the API that is.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type InterfaceDeclaration,
  isInterfaceDeclaration,
  isPropertySignatureDeclaration,
  isTypeAliasDeclaration,
  isTypeLiteralNode,
  isTypeReferenceNode,
  isUnionTypeNode,
  type Node,
  type TypeNode,
} from "typescript/unstable/ast";
import { ENDPOINTS } from "../../src/sandbox/objects/endpoints.ts";
import { type Declared, Declarations, PACKAGE_FOLDER } from "./declarations.ts";
import { hash, type JsonSchema, nameOf, SchemaWriter } from "./schemaOf.ts";

const ANSWERS_FILE = new URL("../sandbox/schemas/answers.schema.json", import.meta.url);
const PARAMETERS_FILE = new URL("../../src/sandbox/assets/parameters.schema.json", import.meta.url);

const EVENT: JsonSchema = { $ref: "#/$defs/Event" };
const SESSION: JsonSchema = { $ref: "#/$defs/Checkout.Session" };

/** What the client has no method for. */
const UNDECLARED: Readonly<Record<string, JsonSchema>> = {
  "POST /v1/events/:id/retry": EVENT,
  "GET /v1/payment_pages/:id": SESSION,
  "POST /v1/payment_pages/:id/confirm": SESSION,
};

/** Objects that are only ever a part of another one, or of an event. */
const PARTS = ["Application"];

/**
 * Failure codes that the declarations don't list, whose enum is open. Stripe's guide for SEPA names the first; the one for
 * ACH says that a test account "fails due to invalid currency" without a code, so that the second is our reading of it.
 * https://docs.stripe.com/payments/sepa-debit, https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment
 */
const UNLISTED_CODES = ["generic_could_not_process", "invalid_currency"];

/** An event that Stripe sends to connected accounts without declaring it, by the object that it shows. */
const UNDECLARED_EVENTS: Readonly<Record<string, readonly string[]>> = { Charge: ["payment.created"] };

/** What the client itself adds to an error. */
const ADDED_TO_ERRORS = ["headers", "statusCode", "requestId", "detail", "exception"];

/** The files as they should be. */
export function generate(): ReadonlyMap<URL, string> {
  const declarations = new Declarations();
  try {
    return new Map([
      [ANSWERS_FILE, print("Answers of Stripe's API.", writeAnswers(declarations))],
      [PARAMETERS_FILE, print("Parameters of Stripe's API.", writeParameters(declarations))],
    ]);
  } finally {
    declarations.close();
  }
}

/** For every endpoint what it answers; beside them errors and events. */
function writeAnswers(declarations: Declarations): Content {
  const operations = declarations.operations();
  const answers = new Map<string, TypeNode>();
  for (const { method, path } of ENDPOINTS) {
    const endpoint = `${method} ${path}`;
    const answer = operations.get(declaredName(endpoint))?.answer;
    if (answer !== undefined) answers.set(endpoint, answer);
    else if (!Object.hasOwn(UNDECLARED, endpoint)) throw new Error(`The stripe package knows no ${endpoint}.`);
  }
  const served = new Set(PARTS);
  for (const answer of answers.values()) for (const name of objectNames(answer)) served.add(declarations.find(name).id);
  const writer = new SchemaWriter(declarations, (declared) => reduce(declared, served));
  const entries: Record<string, JsonSchema> = {};
  for (const [endpoint, answer] of answers) entries[endpoint] = writer.schemaOf(answer);
  writer.definitions["Error"] = errorSchema(declarations, writer);
  writer.definitions["Event"] = eventSchema(declarations, writer, served);
  writer.definitions["PaymentIntent.LastPaymentError"]?.properties?.["code"]?.enum?.push(...UNLISTED_CODES);
  return { entries: { ...entries, ...UNDECLARED }, definitions: writer.definitions };
}

/** The declarations call every part of a path that varies the same. */
function declaredName(endpoint: string): string {
  return endpoint.replaceAll(/:\w+/g, ":id");
}

/** For every endpoint what it takes. */
function writeParameters(declarations: Declarations): Content {
  const operations = declarations.operations();
  const writer = new SchemaWriter(declarations);
  const entries: Record<string, JsonSchema> = {};
  for (const { method, path } of ENDPOINTS) {
    const params = operations.get(declaredName(`${method} ${path}`))?.params;
    if (params !== undefined && params !== null) entries[`${method} ${path}`] = writer.schemaOf(params);
  }
  return shareAlike({ entries, definitions: writer.definitions });
}

/** One definition for all that say the same: Stripe declares most shapes once for each operation. */
function shareAlike({ entries, definitions }: Content): Content {
  const names = new Map<string, string>();
  const renamed = new Map<string, string>();
  for (const name of Object.keys(definitions).toSorted()) {
    const text = JSON.stringify(definitions[name]);
    const first = names.get(text);
    if (first === undefined) names.set(text, name);
    else renamed.set(`#/$defs/${name}`, `#/$defs/${first}`);
  }
  if (renamed.size === 0) return { entries, definitions };
  const rename = (rows: Content["entries"]) =>
    JSON.parse(JSON.stringify(rows), (key, value: unknown) =>
      key === "$ref" ? (renamed.get(String(value)) ?? value) : value,
    ) as Content["entries"];
  const kept = Object.fromEntries([...names.values()].map((name) => [name, definitions[name] ?? {}]));
  return shareAlike({ entries: rename(entries), definitions: rename(kept) });
}

/** The names in `Promise<Response<Customer | DeletedCustomer>>` that stand for objects. */
function objectNames(type: TypeNode): Node[] {
  if (isUnionTypeNode(type)) return type.types.flatMap(objectNames);
  if (!isTypeReferenceNode(type)) return [];
  return type.typeArguments === undefined ? [type.typeName] : type.typeArguments.flatMap(objectNames);
}

/** An object that the sandbox never makes is just that; Stripe's union of 275 events is read one by one. */
function reduce({ id, node }: Declared, served: ReadonlySet<string>): JsonSchema | null {
  if (id === "Event") return EVENT;
  if (served.has(id) || !isInterfaceDeclaration(node)) return null;
  const object = node.members.filter(isPropertySignatureDeclaration).find((member) => nameOf(member) === "object");
  return object === undefined ? null : { type: "object", required: ["id", "object"] };
}

/** Which object each type of event shows, for the objects that are served. */
function eventSchema(declarations: Declarations, writer: SchemaWriter, served: ReadonlySet<string>): JsonSchema {
  const shows = new Map<string, { object: JsonSchema; types: string[] }>();
  const { node } = declarations.findIn("resources/Events.d.ts", "Event");
  if (!isTypeAliasDeclaration(node) || !isUnionTypeNode(node.type)) throw new Error("Event isn't a union of types.");
  for (const one of node.type.types.filter(isTypeReferenceNode)) {
    const event = declarations.find(one.typeName).node;
    if (!isInterfaceDeclaration(event)) continue;
    const data = declarations.find(typeNameOf(event, "data")).node;
    const shown = isInterfaceDeclaration(data) ? declarations.find(typeNameOf(data, "object")) : null;
    if (shown === null || !served.has(shown.id)) continue;
    const [type] = writer.schemaOf(memberOf(event, "type")).enum ?? [];
    const group = shows.get(shown.id) ?? { object: writer.refer(shown), types: [] };
    shows.set(shown.id, { ...group, types: [...group.types, String(type)] });
  }
  const base = declarations.findIn("resources/Events.d.ts", "EventBase").node;
  if (!isInterfaceDeclaration(base)) throw new Error("EventBase isn't an interface.");
  const schema = writer.hash(base.members);
  const kinds = [...shows].map(([id, { object, types }]) => ({
    ...schema,
    properties: {
      ...schema.properties,
      type: { enum: [...types, ...(UNDECLARED_EVENTS[id] ?? [])] },
      data: hash({ object, previous_attributes: { type: "object" } }, ["object"]),
    },
  }));
  return { type: "object", required: ["type"], discriminator: { propertyName: "type" }, oneOf: kinds };
}

function memberOf(node: InterfaceDeclaration, name: string): TypeNode {
  const member = node.members.filter(isPropertySignatureDeclaration).find((one) => nameOf(one) === name);
  if (member === undefined) throw new Error(`${node.name.getText()} has no ${name}.`);
  return member.type;
}

function typeNameOf(node: InterfaceDeclaration, name: string): Node {
  const type = memberOf(node, name);
  if (!isTypeReferenceNode(type)) throw new Error(`${type.getText()} isn't a name.`);
  return type.typeName;
}

function errorSchema(declarations: Declarations, writer: SchemaWriter): JsonSchema {
  const { node } = declarations.findIn("Types.d.ts", "StripeRawError");
  if (!isTypeAliasDeclaration(node) || !isTypeLiteralNode(node.type)) throw new Error("StripeRawError isn't a hash.");
  const sent = node.type.members.filter((member) => !ADDED_TO_ERRORS.includes(nameOf(member)));
  return hash({ error: { ...writer.hash(sent), required: ["type", "message"] } });
}

type Content = {
  readonly entries: Readonly<Record<string, JsonSchema>>;
  readonly definitions: Readonly<Record<string, JsonSchema>>;
};

/** One line for each endpoint and each definition, so that a new version of the package shows what it changes. */
function print(title: string, { entries, definitions }: Content): string {
  const described = JSON.parse(readFileSync(join(PACKAGE_FOLDER, "package.json"), "utf8")) as { version: string };
  const apiVersion = /ApiVersion = '([^']+)'/.exec(
    readFileSync(join(PACKAGE_FOLDER, "esm/apiVersion.js"), "utf8"),
  )?.[1];
  const head = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title,
    $comment: "Written by `npm run schemas` from the type declarations of the stripe package; not to be edited.",
    stripePackage: described.version,
    apiVersion,
  };
  const sections = Object.entries({ endpoints: entries, $defs: definitions }).map(([name, rows]) => {
    const lines = Object.keys(rows)
      .toSorted()
      .map((key) => `    ${JSON.stringify(key)}: ${JSON.stringify(rows[key])}`);
    return `  ${JSON.stringify(name)}: {\n${lines.join(",\n")}\n  }`;
  });
  const opening = Object.entries(head).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  return `{\n${[...opening, ...sections].join(",\n")}\n}\n`;
}

if (import.meta.main) {
  for (const [file, text] of generate()) writeFileSync(file, text);
}
