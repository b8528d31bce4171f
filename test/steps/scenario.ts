import { expect } from "vitest";
import type { Answer } from "../scene/scene.ts";
import type { Profile } from "./theatre.ts";
import type { Stage } from "./stage.ts";

/** What must be true once everything is over. */
type Check = () => Promise<void> | void;

/**
 * A call and what the world does meanwhile, such that the outcome is known. It is played many times, and the service dies in
 * it once at a time, at every step that is seen when it is played without a death.
 */
export type Scenario = {
  readonly name: string;
  /** How the service is set up, if not as usual. */
  readonly profile?: Profile;
  /** Whether its calls come through the edge, which says when it took them, or says nothing of the time. */
  readonly edge?: EdgeSays;
  /** Gives what must be true at the end, whatever died when. */
  readonly play: (stage: Stage) => Promise<Check>;
};

/** What the edge's signed header says. */
export type EdgeSays = "time" | "no time";

export const usual: Profile = { name: "usual" };
/** Polls soon, and gives a notification up after the second attempt. */
export const impatient: Profile = {
  name: "impatient",
  settings: { pollScheduleMs: [600] },
  notifications: { retryScheduleMs: [50] },
};
/** Forgets everything soon: sooner than an outage may last. */
export const forgetful: Profile = {
  name: "forgetful",
  settings: { referenceRetentionMs: 3000 },
  // Far longer than a killed attempt takes to come back: what is older counts as told.
  notifications: { rememberedMs: 10_000 },
};

/** What is left of money that was charged once and kept. */
export const paidOnce = (received = 109) => [{ status: "succeeded", received, charged: 1, refunds: 0, refunded: 0 }];
/** What is left of a payment that took no money and can't any more. */
export const closed = [{ status: "canceled", received: 0, charged: 0, refunds: 0, refunded: 0 }];

/** The answer of a call that was cancelled. Its service may have died before Stripe's answer: then the payment is looked for, and closed. */
export function expectCanceled(stage: Stage, answer: Answer): void {
  expect(answer).toMatchObject({ status: 409, body: { metadata: { reason: "canceled" } } });
  if (answer.body.metadata?.["paymentIntentId"] === undefined) {
    expect(answer.body.metadata?.["compensation"]).toBe("watching");
  } else {
    expectClosed(stage, answer);
  }
}

/**
 * The PaymentIntent of a call that was given up is closed when the caller hears of it. A call that was dead for longer than the end of a
 * call may take leaves it to the watcher.
 */
export function expectClosed(stage: Stage, answer: Answer): void {
  expect(stage.mayDie ? ["canceled", "watching"] : ["canceled"]).toContain(answer.body.metadata?.["compensation"]);
}
