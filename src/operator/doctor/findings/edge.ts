/** Does the edge reach the service through the engine, and does the service believe what it says? */
import { ok, warning, wrong, type Finding } from "./finding.ts";

const check = "edge";

/** What the edge said of itself; `no_edge` where an engine's ingress answers, or nobody: the webhook path tells that. */
export type EdgeAnswer =
  | { readonly kind: "ready"; readonly isTrustedByService: boolean }
  | { readonly kind: "not_ready" | "no_edge" };

export function judgeEdge(entryUrl: string, answer: EdgeAnswer): readonly Finding[] {
  switch (answer.kind) {
    case "no_edge":
      return [];
    case "not_ready":
      return [
        wrong(
          check,
          `The edge at ${entryUrl} gets no answer from the service through the engine, so it takes no calls.`,
          "Look at RESTATE_INGRESS_URL of the edge, and at the logs of edge, engine and service",
        ),
      ];
    case "ready":
      return [
        answer.isTrustedByService
          ? ok(check, `Calls get from the edge at ${entryUrl} to the service, which believes the edge's signature.`)
          : warning(
              check,
              "The service doesn't believe the edge: calls are right, but slower, and their deadlines count from later.",
              "Give edge and service the same EDGE_SECRET, and restart both",
            ),
      ];
  }
}
