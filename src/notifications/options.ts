import type { NotificationReceiver } from "./settings.ts";

/** How the merchant is told. Tests choose other timings; nothing else differs from production. */
export type NotificationsOptions = {
  /** Null: nobody is told. What was begun to be told before is given up. */
  readonly receiver: NotificationReceiver | null;
  /** The delays between the attempts of a delivery. After the last it is given up. */
  readonly retryScheduleMs: readonly number[];
  /** How long a receiver may take to answer one attempt. */
  readonly attemptTimeoutMs: number;
  /** For how long it is remembered what was told, after the last change. */
  readonly rememberedMs: number;
};

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

export const notificationTimings: Omit<NotificationsOptions, "receiver"> = {
  // Thirteen attempts in three days, as long as Stripe's webhooks: a weekend's outage is survived.
  retryScheduleMs: [
    5 * secondMs,
    minuteMs,
    5 * minuteMs,
    15 * minuteMs,
    ...[1, 2, 4, 8, 12, 12, 16, 16].map((hours) => hours * hourMs),
  ],
  // Far below the two minutes after which the engine would start the same attempt again beside this one.
  attemptTimeoutMs: 15 * secondMs,
  // Cards are disputed for four months, and a dispute is decided within three: every change begins the time anew.
  rememberedMs: 180 * 24 * hourMs,
};
