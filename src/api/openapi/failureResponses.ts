/**
 * The answers of requests that fail, for OpenAPI: one for each HTTP status, which lists the reasons behind it and the way on
 * from each. An answer that is the same for every call is a component of its own.
 */
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from "zod-openapi";
import type { Call } from "../calls.ts";
import { edgeFailureReasons, statusOfEdgeReason, type EdgeFailureReason } from "../edgeFailures.ts";
import { edgeReasonGuide, failuresOfCalls, reasonGuide } from "../failureGuide.ts";
import { failureReasonSchema, statusOfReason, type FailureReason } from "../failures.ts";
import { failureComponent, reference } from "./schemas.ts";

const retryAfter = {
  description: "Seconds to wait before the request is repeated.",
  schema: { type: "integer" as const, minimum: 0 },
};

/** Reasons for which the edge answers any call. */
const edgeReasonsOfCalls: readonly EdgeFailureReason[] = edgeFailureReasons.options;

/** The edge's answers that no handler gives, each once for the whole document. */
const shared = new Map(
  edgeReasonsOfCalls
    .filter((reason) => !Object.values(statusOfReason).includes(statusOfEdgeReason[reason]))
    .map((reason) => [statusOfEdgeReason[reason], { ...response([caseOfEdge(reason)]), id: componentName(reason) }]),
);

/** Every failure that a call can end with at the edge, by its status. */
export function failureResponsesOf(call: Call): ZodOpenApiResponsesObject {
  const known = failuresOfCall(call);
  const reasons = failureReasonSchema.options.filter((reason) => known[reason] !== undefined);
  // A read has no key that could be used again.
  const ofEdge = edgeReasonsOfCalls.filter((reason) => reason !== "idempotency_key_reused" || call.keeps !== "nothing");
  return responses([...reasons.map((reason) => caseOfCall(reason, known[reason])), ...ofEdge.map(caseOfEdge)]);
}

/** The failures of any of the calls, for a caller who asks for an outcome later. */
export function failureResponsesOfAll(calls: readonly Call[]): ZodOpenApiResponsesObject {
  const reasons = failureReasonSchema.options.filter((reason) =>
    calls.some((call) => failuresOfCall(call)[reason] !== undefined),
  );
  const ofEdge = edgeReasonsOfCalls.filter((reason) => reason !== "too_large");
  return responses([
    ...reasons.map((reason) => caseOfCall(reason, true)),
    caseOfEdge("not_found"),
    ...ofEdge.map(caseOfEdge),
  ]);
}

type ReasonAtEdge = keyof typeof edgeReasonGuide;

/**
 * Failures of a request that only the edge answers.
 * @param texts instead of the guide's, where the request is no call
 */
export function edgeFailureResponses(
  reasons: readonly ReasonAtEdge[],
  texts: { readonly [Reason in ReasonAtEdge]?: string } = {},
): ZodOpenApiResponsesObject {
  return responses(
    reasons.map((reason) => {
      const text = texts[reason];
      return text === undefined ? caseOfEdge(reason) : { reason, text };
    }),
  );
}

/** A reason with the text that explains it, in Markdown. */
type Case = { readonly reason: FailureReason | EdgeFailureReason; readonly text: string };

/** @param when the only case in which the call ends with the reason, or `true` */
function caseOfCall(reason: FailureReason, when: true | string | undefined): Case {
  if (reason === "invalid_request") return caseOfEdge(reason);
  const { meaning, remedy } = reasonGuide[reason];
  // The guide's links lead to pages that are not here.
  const text = `${meaning} ${remedy}`.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1");
  return { reason, text: typeof when === "string" ? `${text} (Only ${when}.)` : text };
}

function caseOfEdge(reason: ReasonAtEdge): Case {
  const { meaning, remedy } = edgeReasonGuide[reason];
  return { reason, text: `${meaning} ${remedy}` };
}

function responses(cases: readonly Case[]): ZodOpenApiResponsesObject {
  const byStatus = Map.groupBy(cases, ({ reason }) => statusOf(reason));
  return Object.fromEntries(
    [...byStatus]
      .toSorted(([one], [other]) => one - other)
      .map(([status, group]) => [String(status), shared.get(status) ?? response(group)]),
  );
}

function response(cases: readonly Case[]): ZodOpenApiResponseObject {
  const [first] = cases;
  const status = first === undefined ? 0 : statusOf(first.reason);
  return {
    description: cases.map(({ reason, text }) => `- \`${reason}\`: ${text}`).join("\n"),
    ...(status === statusOfEdgeReason.rate_limited || status === statusOfEdgeReason.unavailable
      ? { headers: { "retry-after": retryAfter } }
      : {}),
    content: {
      "application/json": {
        examples: Object.fromEntries(cases.map(({ reason }) => [reason, { value: exampleOf(reason) }])),
        schema: {
          allOf: [
            reference(failureComponent),
            {
              type: "object",
              required: ["metadata"],
              properties: {
                code: { const: status },
                metadata: {
                  type: "object",
                  properties: { reason: { enum: [...new Set(cases.map(({ reason }) => reason))] } },
                },
              },
            },
          ],
        },
      },
    },
  };
}

function exampleOf(reason: FailureReason | EdgeFailureReason) {
  return {
    code: statusOf(reason),
    message: "…",
    metadata: { reason },
    ...(reason === "invalid_request" ? { errors: [{ path: "/amount", message: "…" }] } : {}),
  };
}

function statusOf(reason: FailureReason | EdgeFailureReason): number {
  return isOfEdge(reason) ? statusOfEdgeReason[reason] : statusOfReason[reason];
}

function isOfEdge(reason: FailureReason | EdgeFailureReason): reason is EdgeFailureReason {
  return Object.hasOwn(statusOfEdgeReason, reason);
}

function failuresOfCall({ service, handler }: Call): { readonly [Each in FailureReason]?: true | string } {
  const known: Readonly<
    Record<string, Readonly<Record<string, { readonly [Each in FailureReason]?: true | string }>>>
  > = failuresOfCalls;
  return known[service]?.[handler] ?? {};
}

/** `rate_limited` as `RateLimited`. */
function componentName(reason: string): string {
  return reason
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}
