/** What Stripe and the road from it do wrong, ordered of the sandbox, which draws from a seed whom it hits. */
import type { FaultInput } from "../../src/sandbox/world/faults.ts";

const apiEffects = [
  "rate_limit",
  "lock_timeout",
  "conflict",
  "error_500",
  "error_500_saved",
  "error_500_saved_after",
  "html_502",
  "cut_before",
  "cut_after",
  "stall",
] as const;

const webhookEffects = ["lose", "double", "delay", "reorder", "before_response"] as const;

/** Stripe down: it does nothing, but for creations of payments whose answers are lost, the work done. */
export const outageOrders: readonly FaultInput[] = [
  { target: "api", effect: "cut_after", method: "POST", path: "/v1/payment_intents", count: 0, probability: 0.08 },
  { target: "api", effect: "error_500", count: 0, probability: 0.5 },
  { target: "api", effect: "cut_before", count: 0 },
];

/** The orders under which each request, and each webhook, meets one of the faults with the given probability. */
export function faultOrders(probability: number): readonly FaultInput[] {
  if (probability === 0) return [];
  const api = shares(probability, apiEffects.length);
  const webhook = shares(probability, webhookEffects.length);
  return [
    ...apiEffects.map((effect, index): FaultInput => ({
      target: "api",
      effect,
      count: 0,
      probability: api[index] ?? 0,
      delayMs: 2000,
    })),
    ...webhookEffects.map((effect, index): FaultInput => ({
      target: "webhook",
      effect,
      count: 0,
      probability: webhook[index] ?? 0,
      delayMs: 3000,
    })),
  ];
}

/**
 * The sandbox asks one order after the other, and the first that fires counts: each has to fire more often than the one
 * before it for all to fall alike.
 */
function shares(probability: number, count: number): readonly number[] {
  const each = probability / count;
  return Array.from({ length: count }, (_, index) => each / (1 - each * index));
}
