/** A change of the file of merchants is read here and at the edge within seconds, and not at the same moment. */
import { setTimeout as delay } from "node:timers/promises";
import { merchantOf, type HandlerOptions } from "../merchants/options.ts";

/** The file is looked at every second. */
const patienceMs = 5_000;
const lookEveryMs = 50;

/** For a call that the edge accepted for the merchant: waits until the merchant is known here as well, or it is not to be expected. */
export async function merchantSoon(options: HandlerOptions, merchant: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += lookEveryMs) {
    if (merchantOf(options, merchant) !== undefined) return;
    await delay(lookEveryMs);
  }
}
