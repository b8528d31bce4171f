/**
 * Whether this machine's clock can be trusted: Stripe's answers say what time it is there. The time of acceptance that the edge
 * gives decides how long a request may be repeated, so an edge that doesn't know better gives none.
 */

export type StripeClock = {
  /** The time now, in epoch milliseconds; null where it is not known to be right. */
  trustedNowMs(): number | null;
  close(): void;
};

const toleranceMs = 60_000;
const intervalMs = 10 * 60_000;
const retryMs = 15_000;
const timeoutMs = 5_000;

/** @param apiBase of Stripe. It is asked for nothing, and told no key: any answer has a date. */
export function watchStripeClock(apiBase: string, onWrong: (message: string) => void): StripeClock {
  let isRight = false;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function measure(): Promise<void> {
    const aheadMs = await clockAheadMs(apiBase);
    if (isClosed) return;
    if (aheadMs !== null) {
      const isWrong = Math.abs(aheadMs) > toleranceMs;
      if (isWrong) onWrong(`This machine's clock is ${Math.round(aheadMs / 1000)} s ahead of Stripe's: set it.`);
      isRight = !isWrong;
    }
    timer = setTimeout(() => void measure(), aheadMs === null ? retryMs : intervalMs).unref();
  }

  void measure();
  return {
    trustedNowMs: () => (isRight ? Date.now() : null),
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** How far this clock is ahead of the server's, in milliseconds; null where it doesn't answer. */
async function clockAheadMs(apiBase: string): Promise<number | null> {
  try {
    const begunAtMs = Date.now();
    const response = await fetch(`${apiBase}/healthcheck`, { method: "HEAD", signal: AbortSignal.timeout(timeoutMs) });
    const date = Date.parse(response.headers.get("date") ?? "");
    // The date is in whole seconds.
    return Number.isNaN(date) ? null : (begunAtMs + Date.now()) / 2 - (date + 500);
  } catch {
    return null;
  }
}
