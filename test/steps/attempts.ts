/** One attempt of an invocation, as its messages show it: which step each of them is. */
import { completionIdOf, describeCommand, isCommand, messageType, type Message } from "./protocol.ts";

/** A run whose result the engine doesn't have yet. */
type OpenRun = { readonly key: string; readonly name: string; requests: number };

export type Attempt = ReturnType<typeof createAttempt>;

/**
 * Steps are named by what they do and how many such came before, which is the same in every attempt: `run "list PaymentIntents" #2`,
 * `result of run "list PaymentIntents" #2`, and `request 1 of run "list PaymentIntents" #2` for the first request to Stripe that
 * was made in it. Not by their position: a list may have a page more in one play than in another.
 */
export function createAttempt() {
  let commands = 0;
  const alike = new Map<string, number>();
  const results = new Set<number>();
  const openRuns = new Map<number, OpenRun>();

  function count(message: Message): string {
    commands++;
    const name = describeCommand(message);
    const nth = (alike.get(name) ?? 0) + 1;
    alike.set(name, nth);
    const key = `${name} #${nth}`;
    if (message.type === messageType.run) openRuns.set(completionIdOf(message), { key, name, requests: 0 });
    return key;
  }

  return {
    /** Takes a message of the engine's: the journal so far, then what is new. */
    take(message: Message): void {
      if (isCommand(message)) count(message);
      if (message.type !== messageType.runCompletion) return;
      openRuns.delete(completionIdOf(message));
      results.add(completionIdOf(message));
    },

    /** The step that a message of the service's is; null for what leaves nothing in the journal. */
    stepOf(message: Message): { readonly key: string; readonly what: string } | null {
      if (isCommand(message)) return { key: count(message), what: describeCommand(message) };
      if (message.type === messageType.end) return { key: "end", what: "end" };
      if (message.type !== messageType.proposeRunCompletion) return null;
      const run = openRuns.get(completionIdOf(message));
      if (run === undefined) throw new Error("The result of a run that was not begun.");
      results.add(completionIdOf(message));
      return { key: `result of ${run.key}`, what: `result of ${run.name}` };
    },

    /** The step that a request to Stripe is; undefined while its run has not come by yet. */
    requestOf(runName: string): string | undefined {
      const run = [...openRuns.values()].findLast(({ name }) => name === `run "${runName}"`);
      return run === undefined ? undefined : `request ${++run.requests} of ${run.key}`;
    },

    /** How much the engine has once it has all that was sent. */
    sent: () => ({ commands, results: results.size }),
  };
}
