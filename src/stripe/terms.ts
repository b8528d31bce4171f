/**
 * On which terms a request is sent. It may have to wait for its turn inside the stripe package, which knows nothing of that; so the terms
 * go with the chain of promises, past the package, to where the request is really sent.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Urgency } from "./apiOperation.ts";

export type Terms = {
  /** In place of that of the operation. */
  readonly urgency?: Urgency;
  /** Whether the request was told to come again, and does. */
  readonly isBooked?: boolean;
  /** Aborted when nobody waits for the answer any more: then the request gives up its turn. What was sent stays sent. */
  readonly signal?: AbortSignal;
  /** Asked when the request's turn has come. @throws WithdrawnRequest where it must not be sent any more */
  readonly check?: () => void;
};

/** The request was not sent, because it must not be sent any more. */
export class WithdrawnRequest<Why> extends Error {
  override readonly name = "WithdrawnRequest";
  readonly why: Why;
  constructor(why: Why) {
    super("The request was withdrawn before it was sent.");
    this.why = why;
  }
}

const storage = new AsyncLocalStorage<Terms>();

/** Does a work, and sends its requests on these terms too. */
export function onTerms<Result>(terms: Terms, work: () => Promise<Result>): Promise<Result> {
  const outer = storage.getStore() ?? {};
  const check = (): void => {
    outer.check?.();
    terms.check?.();
  };
  return storage.run({ ...outer, ...terms, check }, work);
}

export function presentTerms(): Terms {
  return storage.getStore() ?? {};
}
