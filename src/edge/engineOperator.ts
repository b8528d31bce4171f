/** What the edge asks of the engine's admin API: to cancel a call, and which request it is. https://docs.restate.dev/services/invocation/managing-invocations */
import { z } from "zod";
import { requestEngine } from "../engine/request.ts";
import { EngineUnavailable } from "./engineClient.ts";

export type EngineOperator = {
  /** Cancels an invocation; one that has ended, or never was, is passed over. @throws EngineUnavailable */
  cancel(invocationId: string): Promise<void>;
  /** A header that an invocation was begun with; null where it had none, or is not known. @throws EngineUnavailable */
  headerOf(invocationId: string, name: string): Promise<string | null>;
};

const timeoutMs = 10_000;

const foundInputs = z.object({ rows: z.array(z.object({ entry_json: z.string() })) });

const journaledInput = z.object({
  Command: z.object({ Input: z.object({ headers: z.array(z.object({ name: z.string(), value: z.string() })) }) }),
});

/** @param authToken for an engine that asks for one */
export function createEngineOperator(adminUrl: string, authToken: string | undefined): EngineOperator {
  /** Null where there is no answer. */
  async function ask(
    path: string,
    init: RequestInit,
  ): Promise<{ readonly status: number; readonly text: string } | null> {
    try {
      const response = await requestEngine(adminUrl, path, {
        ...init,
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          "content-type": "application/json",
          accept: "application/json",
          ...(authToken !== undefined && { authorization: `Bearer ${authToken}` }),
        },
      });
      return { status: response.status, text: await response.text() };
    } catch {
      return null;
    }
  }

  return {
    async cancel(invocationId) {
      const answer = await ask(`/invocations/${idOf(invocationId)}/cancel`, { method: "PATCH" });
      // 404 and 409: there is nothing to cancel any more.
      if (answer === null || (answer.status >= 300 && answer.status !== 404 && answer.status !== 409)) throw noAnswer();
    },
    async headerOf(invocationId, name) {
      const query = `select entry_json from sys_journal where id = '${idOf(invocationId)}' and index = 0`;
      const answer = await ask("/query", { method: "POST", body: JSON.stringify({ query }) });
      if (answer?.status !== 200) throw noAnswer();
      const [input] = foundInputs.parse(JSON.parse(answer.text)).rows;
      if (input === undefined) return null;
      const { headers } = journaledInput.parse(JSON.parse(input.entry_json)).Command.Input;
      return headers.find((header) => header.name === name)?.value ?? null;
    },
  };
}

/** It becomes a part of an address, and of a query. */
function idOf(invocationId: string): string {
  if (!/^inv_\w+$/.test(invocationId)) throw new EngineUnavailable("The engine gave no id of an invocation.");
  return invocationId;
}

function noAnswer(): EngineUnavailable {
  return new EngineUnavailable("The engine's admin API gave no answer.");
}
