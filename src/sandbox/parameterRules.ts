import type { ParameterRule, ParameterRules } from "./parameters.ts";

/** The words in which the tables of endpoints say what a request may hold. */
export const text: ParameterRule = { kind: "string" };
export const textOrNothing: ParameterRule = { kind: "string", unsettable: true };
export const list: ParameterRule = { kind: "list" };
export const listOrNothing: ParameterRule = { kind: "list", unsettable: true };
export const flag: ParameterRule = { kind: "boolean" };
export const integer: ParameterRule = { kind: "integer" };
export const metadata: ParameterRule = { kind: "metadata" };
export const anyHash: ParameterRule = { kind: "hash", fields: "any", unsettable: true };
export const suffix: ParameterRule = { kind: "string", unsettable: true, maxLength: 22 };
export const amount = { kind: "integer", minimum: 1 } as const;

export function hash(fields: ParameterRules): ParameterRule {
  return { kind: "hash", fields, unsettable: true };
}

export function choice(...values: string[]): ParameterRule {
  return { kind: "string", values, unsettable: true };
}

export const common: ParameterRules = { expand: list };
export const listing: ParameterRules = {
  ...common,
  limit: integer,
  starting_after: text,
  ending_before: text,
  created: { kind: "range" },
};

export const address = hash({ city: text, country: text, line1: text, line2: text, postal_code: text, state: text });
