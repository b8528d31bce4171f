/** What the edge asks of the engine's admin API: to cancel a call. https://docs.restate.dev/services/invocation/managing-invocations */
import { requestEngine } from "../engine/request.ts";
import { EngineUnavailable } from "./engineClient.ts";

export type EngineOperator = {
  /** Cancels an invocation; one that has ended, or never was, is passed over. @throws EngineUnavailable */
  cancel(invocationId: string): Promise<void>;
};

const timeoutMs = 10_000;

/** @param authToken for an engine that asks for one */
export function createEngineOperator(adminUrl: string, authToken: string | undefined): EngineOperator {
  return {
    async cancel(invocationId) {
      const status = await requestEngine(adminUrl, `/invocations/${invocationId}/cancel`, {
        method: "PATCH",
        signal: AbortSignal.timeout(timeoutMs),
        ...(authToken === undefined ? {} : { headers: { authorization: `Bearer ${authToken}` } }),
      }).then(
        async (response) => {
          await response.arrayBuffer();
          return response.status;
        },
        () => null,
      );
      // 404 and 409: there is nothing to cancel any more.
      if (status === null || (status >= 300 && status !== 404 && status !== 409)) {
        throw new EngineUnavailable("The engine's admin API gave no answer.");
      }
    },
  };
}
