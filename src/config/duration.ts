/** Durations as people write them in settings (`500ms`, `30s`, `5m`, `6h`, `21d`) and read them on a screen. */

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Milliseconds of a duration such as `30s`: a whole number and one unit of ms, s, m, h, d.
 * @throws RangeError with a message for people when the text is anything else
 */
export function parseDurationMs(text: string): number {
  const [, count, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  const durationMs = Number(count) * (unitMs[unit ?? ""] ?? Number.NaN);
  if (!Number.isSafeInteger(durationMs)) {
    throw new RangeError("A duration is a whole number and a unit of ms, s, m, h or d: 500ms, 30s, 5m, 6h, 21d.");
  }
  return durationMs;
}

/** A duration for people: `850 ms`, `2.4 s`, `1m 05s`, `3h 07m`, `21d 04h`. Negative ones read as `0 ms`. */
export function formatDuration(durationMs: number): string {
  const wholeMs = Math.max(0, Math.round(durationMs));
  if (wholeMs < 1_000) return `${wholeMs} ms`;
  // Rounding comes before the choice of the unit: 59.96 s is one minute, never "60.0 s".
  const tenths = Math.round(wholeMs / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(wholeMs / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${twoDigits(seconds % 60)}s`;
  const minutes = Math.round(wholeMs / 60_000);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)}h ${twoDigits(minutes % 60)}m`;
  const hours = Math.round(wholeMs / 3_600_000);
  return `${Math.floor(hours / 24)}d ${twoDigits(hours % 24)}h`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
