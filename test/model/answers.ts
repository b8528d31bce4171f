/** The answers of the service in the model, and what a call's end means to others. */
import { leave, paymentOf, stir, type Answer, type World } from "./world.ts";

/** Why a party looks. `start`: nothing has woken it yet, it has just been called. */
export type Cause = "start" | "news" | "deadline" | "cancellation";

/** Ends a call, unless there is no answer yet. */
export function end(world: World, id: string, answer: Answer | null): void {
  if (answer === null) return;
  leave(world, id);
  const call = world.calls.find((one) => one.id === id);
  if (call !== undefined) call.answer = answer;
  const { reference } = world;
  if (reference === null || reference.holder !== id) return;
  reference.holder = null;
  const isAnswer = answer.code === 200;
  if (isAnswer || answer.compensation !== "none") {
    const isClosed = answer.compensation === "canceled" || (answer.word === "declined" && answer.compensation === null);
    reference.end = isAnswer
      ? { kind: "answered", isFinal: answer.word === "succeeded" }
      : { kind: "failed", isClosed };
    reference.kept = answer;
  }
  for (const party of world.parties) if (party.waiting.for === "turn") stir(party, "must");
}

/** How an answer says that its outcome came. */
export function heardBy({ polls }: World, cause: Cause): readonly string[] {
  if (cause !== "news") return ["poll"];
  return polls ? ["webhook", "poll"] : ["webhook"];
}

export function paid(world: World, index: number, settledBy: readonly string[]): Answer {
  const { status, received } = paymentOf(world, index);
  return { code: 200, word: status, compensation: null, payment: index, received, refunded: null, settledBy };
}

export function givenBack(payment: number, refunded: number, settledBy: readonly string[]): Answer {
  return { code: 200, word: "succeeded", compensation: null, payment, received: null, refunded, settledBy };
}

export function failed(code: number, word: string, payment: number, compensation: string | null = null): Answer {
  return { code, word, compensation, payment, received: null, refunded: null, settledBy: null };
}

export function gaveUp(cause: "deadline" | "cancellation", payment: number, compensation: string): Answer {
  return cause === "deadline"
    ? failed(408, "timed_out", payment, compensation)
    : failed(409, "canceled", payment, compensation);
}

/** A call that only waits leaves things as they are when it stops. */
export function stopped(cause: Cause, payment: number): Answer | null {
  return cause === "deadline" || cause === "cancellation" ? gaveUp(cause, payment, "none") : null;
}

export function stateNow(world: World, payment: number): Answer {
  return { ...paid(world, payment, []), settledBy: null };
}
