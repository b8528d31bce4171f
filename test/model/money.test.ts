import { expect, it } from "vitest";
import type { Answer } from "../scene/scene.ts";
import { brokenBy } from "./money.ts";

const paid: Answer = { status: 200, body: { paymentIntentId: "pi_1", status: "succeeded" } };
const over: Answer = { status: 408, body: { metadata: { paymentIntentId: "pi_1", compensation: "watching" } } };
const waitedOnly: Answer = { status: 408, body: { metadata: { paymentIntentId: "pi_1", compensation: "none" } } };
const another: Answer = { status: 200, body: { paymentIntentId: "pi_2", status: "succeeded" } };

it.each<readonly [what: string, keptMinor: number, heldMinor: number, answers: readonly Answer[], problems: number]>([
  ["money that was told paid is kept", 100, 0, [paid], 0],
  ["nothing is kept of what is over", 0, 0, [over], 0],
  ["who only waited heard of no end", 100, 0, [paid, waitedOnly], 0],
  ["money is kept that nobody was told of", 100, 0, [another], 1],
  ["money is held that nobody was told of", 0, 100, [waitedOnly], 1],
  ["money is kept of what one caller was told is over", 100, 0, [paid, over], 1],
])("the rule of money, where %s", (_what, keptMinor, heldMinor, answers, problems) => {
  expect(brokenBy({ id: "pi_1", keptMinor, heldMinor }, answers)).toHaveLength(problems);
});
