/** The document against OpenAPI's own schema, and against the registry and the contracts that it is made of. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { calls } from "../../src/api/calls.ts";
import { edgeFailureReasons, statusOfEdgeReason } from "../../src/api/edgeFailures.ts";
import { failuresOfCalls } from "../../src/api/failureGuide.ts";
import { failureReasonSchema, statusOfReason } from "../../src/api/failures.ts";
import { openApiDocument } from "../../src/api/openapi.ts";
import { callTexts, failureExample, type CallText } from "../docs/callTexts.ts";

type Operation = {
  readonly operationId: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Reference[];
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: object } } };
  readonly responses: Readonly<Record<string, Reference & Answer>>;
};
type Reference = { readonly $ref?: string };
type Answer = {
  readonly description: string;
  readonly headers?: Readonly<Record<string, object>>;
  readonly content?: { readonly "application/json": { readonly schema: object } };
};
type Document = {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
};

/** As a reader of the JSON gets it. */
const document = JSON.parse(JSON.stringify(openApiDocument({ version: "1.2.3" }))) as Document;

const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(document, "api");

describe("the document", () => {
  it("is OpenAPI 3.1", async () => {
    const { valid, errors } = await new Validator({ strict: false }).validate(document);
    expect([valid, errors]).toEqual([true, undefined]);
    expect([document.openapi, document.info.version]).toEqual(["3.1.1", "1.2.3"]);
  });

  it("would be found damaged by that check", async () => {
    const damaged = structuredClone(document) as unknown as Record<string, Record<string, Record<string, unknown>>>;
    delete damaged["paths"]?.["/livez"]?.["get"];
    Object.assign(damaged["paths"]?.["/livez"] ?? {}, { get: { responses: { 200: {} } } });
    expect((await new Validator({ strict: false }).validate(damaged)).valid).toBe(false);
  });

  it("refers to nothing that it does not have", () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, path = ""]) => path);
    expect(references.length).toBeGreaterThan(50);
    expect(references.filter((path) => resolve(path) === undefined)).toEqual([]);
  });

  it("is the same each time", () => {
    expect(JSON.parse(JSON.stringify(openApiDocument({ version: "1.2.3" })))).toEqual(document);
  });

  it("has the addresses of the edge, each operation under a name of its own", () => {
    const others = [
      "GET /calls/{callId}",
      "POST /calls/{callId}/cancel",
      "POST /payments/processWebhook",
      "POST /webhooks/{merchant}",
      "GET /livez",
      "GET /readyz",
      "GET /openapi.json",
    ];
    const addresses = operations().map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    const ofCalls = calls.map(({ service, handler }) => `POST /${service}/${handler}`);
    expect(addresses.toSorted()).toEqual([...ofCalls, ...others].toSorted());
    const names = operations().map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
  });

  it("leaves no shape without a name", () => {
    const shapes = calls.flatMap((call) => {
      const { requestBody, responses } = operationOf(call);
      return [requestBody, responses["200"]].map((part) => part?.content?.["application/json"].schema);
    });
    expect(shapes.filter((shape) => shape === undefined || Object.keys(shape).join() !== "$ref")).toEqual([]);
  });

  it("asks for an API key everywhere but where Stripe, probes and readers come", () => {
    const open = operations().filter(({ operation }) => operation.security.length === 0);
    expect(open.map(({ path }) => path).toSorted()).toEqual(
      ["/livez", "/openapi.json", "/payments/processWebhook", "/readyz", "/webhooks/{merchant}"].toSorted(),
    );
  });
});

describe.each(calls)("the operation $handler", (call) => {
  const { service, handler, scope, needsKey, keeps } = call;
  const operation = operationOf(call);
  const texts: Readonly<Record<string, Readonly<Record<string, CallText>>>> = callTexts;
  const { request = {}, answer = {} } = texts[service]?.[handler] ?? {};

  it("needs the scope of the registry", () => {
    expect(operation.security).toEqual([{ apiKey: [scope] }]);
  });

  it("needs an idempotency key exactly where the registry says so", () => {
    const parameters = (operation.parameters ?? []).map(resolved) as { name: string; required?: boolean }[];
    const key = parameters.find(({ name }) => name === "idempotency-key");
    const expected = needsKey ? true : keeps === "nothing" ? "none" : false;
    expect(key === undefined ? "none" : (key.required ?? false)).toBe(expected);
    expect(parameters.map(({ name }) => name)).toContain("Prefer");
  });

  it("takes the example of the documents, and no field besides", () => {
    const takes = validatorOf(operation.requestBody);
    expect([takes(real(request)), takes.errors]).toEqual([true, null]);
    expect(takes({ ...(real(request) as object), amuont: 1 })).toBe(false);
  });

  it("answers like the example of the documents, and may answer more later", () => {
    const answers = validatorOf(resolved(operation.responses["200"] ?? {}));
    expect([answers(real(answer)), answers.errors]).toEqual([true, null]);
    expect(answers({ ...(real(answer) as object), later: 1 })).toBe(true);
    expect(answers({})).toBe(false);
  });

  it("or with 202 and the address of the outcome", () => {
    const accepted = resolved(operation.responses["202"] ?? {}) as Answer;
    expect(Object.keys(accepted.headers ?? {})).toEqual(["Location"]);
    expect(validatorOf(accepted)({ callId: "1" })).toBe(true);
  });

  it("fails with the reasons of the guide and of the edge, and with no other", () => {
    const ofService: Readonly<Record<string, Readonly<Record<string, object>>>> = failuresOfCalls;
    const guide = Object.keys(ofService[service]?.[handler] ?? {});
    const expected = [
      ...failureReasonSchema.options
        .filter((reason) => guide.includes(reason))
        .map((reason) => `${statusOfReason[reason]} ${reason}`),
      ...edgeFailureReasons.options
        .filter((reason) => reason !== "idempotency_key_reused" || keeps !== "nothing")
        .map((reason) => `${statusOfEdgeReason[reason]} ${reason}`),
    ];
    const every = [...failureReasonSchema.options, ...edgeFailureReasons.options];
    const found = Object.entries(operation.responses)
      .filter(([status]) => Number(status) >= 400)
      .flatMap(([status, response]) => {
        const failure = resolved(response) as Answer;
        const fails = validatorOf(failure);
        const reasons = every.filter((reason) => fails({ code: Number(status), message: "No.", metadata: { reason } }));
        expect(reasons.filter((reason) => !failure.description.includes(`\`${reason}\``))).toEqual([]);
        return reasons.map((reason) => `${status} ${reason}`);
      });
    expect(found.toSorted()).toEqual(expected.toSorted());
  });
});

it("A failure has the form that callers get, with the bad fields beside the metadata", () => {
  const fails = validatorOf(resolved(document.paths["/payments/processPayment"]?.["post"]?.responses["402"] ?? {}));
  expect([fails(failureExample), fails.errors]).toEqual([true, null]);
  expect(fails({ ...failureExample, code: 409 })).toBe(false);
  const refuses = validatorOf(resolved(document.paths["/payments/processPayment"]?.["post"]?.responses["400"] ?? {}));
  const refusal = { code: 400, message: "No.", metadata: { reason: "invalid_request" } };
  expect(refuses({ ...refusal, errors: [{ path: "/amount", message: "is no integer" }] })).toBe(true);
  expect(refuses({ ...refusal, errors: [{ path: "/amount" }] })).toBe(false);
});

it("429 says how long to wait", () => {
  const limited = resolved(document.paths["/payments/getPayment"]?.["post"]?.responses["429"] ?? {}) as Answer;
  expect(Object.keys(limited.headers ?? {})).toEqual(["retry-after"]);
});

function operations() {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
}

function operationOf({ service, handler }: { readonly service: string; readonly handler: string }): Operation {
  const operation = document.paths[`/${service}/${handler}`]?.["post"];
  if (operation === undefined) throw new Error(`The document has no ${service}/${handler}.`);
  return operation;
}

function validatorOf(part: object | undefined) {
  const schema = (part as Answer | undefined)?.content?.["application/json"].schema;
  if (schema === undefined) throw new Error("There is no schema.");
  return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as object);
}

function resolved(part: Reference): object {
  return part.$ref === undefined ? part : (resolve(part.$ref) ?? {});
}

function resolve(reference: string): object | undefined {
  return reference
    .replace("#/", "")
    .split("/")
    .reduce<object | undefined>(
      (part, name) => (part as Readonly<Record<string, object>> | undefined)?.[name],
      document,
    );
}

/** The example with ids that a schema takes. */
function real(example: object): unknown {
  return JSON.parse(JSON.stringify(example).replaceAll("…", "1"));
}
