/** Holds everything that a sandbox sends against the declarations of Stripe's own package, see `npm run schemas`. */
import { readFileSync } from "node:fs";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../../src/sandbox/sandbox.ts";
import type { Sent } from "../../../src/sandbox/http/sent.ts";

const schema = JSON.parse(readFileSync(new URL("answers.schema.json", import.meta.url), "utf8")) as {
  readonly endpoints: Readonly<Record<string, object>>;
};

/** Each is compiled when it is first needed: one test needs few. */
const ajv = new Ajv2020({ allErrors: true, verbose: true, discriminator: true, strict: false });
ajv.addSchema(schema, "stripe");

/** What is wrong with what was sent: one line for each place, none if Stripe's client would find all it was promised. */
export function faultsOf({ from, status, body }: Sent): readonly string[] {
  const validate = compiled(from, status);
  if (validate === undefined) return [`${from} answered ${status}, and no declaration says with what`];
  if (validate(JSON.parse(body))) return [];
  return [...new Set((validate.errors ?? []).filter(isOwn).map((error) => `${from}: ${describe(error)}`))];
}

function compiled(from: string, status: number): ValidateFunction | undefined {
  if (status >= 400) return ajv.getSchema("stripe#/$defs/Error");
  if (from === "webhook") return ajv.getSchema("stripe#/$defs/Event");
  return Object.hasOwn(schema.endpoints, from)
    ? ajv.getSchema(`stripe#/endpoints/${from.replaceAll("/", "~1")}`)
    : undefined;
}

/** Where a value may be of several kinds, the one that it is of says what is wrong, and the others only that they differ. */
function isOwn(error: ErrorObject, _index: number, errors: readonly ErrorObject[]): boolean {
  if (!/\/anyOf$|\/anyOf\/\d+\/type$/.test(error.schemaPath)) return true;
  return !errors.some(
    (other) => other.instancePath.startsWith(error.instancePath) && !other.schemaPath.includes("/anyOf"),
  );
}

function describe({ instancePath, keyword, message, params, data }: ErrorObject): string {
  const place = instancePath === "" ? "the object" : instancePath;
  if (keyword === "required") return `${place} ${message}`;
  if (keyword === "additionalProperties") return `${place} has '${params["additionalProperty"]}', which isn't declared`;
  const values = keyword === "enum" ? `: ${(params["allowedValues"] as unknown[]).join(", ")}` : "";
  return `${place} ${message}${values}, but is ${JSON.stringify(data).slice(0, 80)}`;
}

/**
 * A sandbox whose closing rejects if it sent anything that Stripe's declarations don't allow. Checking waits until then: it
 * would hold up a sandbox that runs in the same process.
 */
export async function startCheckedSandbox(options: SandboxOptions): Promise<Sandbox> {
  const sent: Sent[] = [];
  const sandbox = await startSandbox({ ...options, onSent: (one) => sent.push(one) });
  return {
    ...sandbox,
    async close() {
      await sandbox.close();
      const faults = new Set(sent.flatMap(faultsOf));
      if (faults.size > 0)
        throw new Error(`The sandbox sent what Stripe declares otherwise:\n${[...faults].join("\n")}`);
    },
  };
}
