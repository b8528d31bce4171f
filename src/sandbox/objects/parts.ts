import type { SavedAnswers } from "../http/savedAnswers.ts";
import type { Deliveries } from "../webhooks/deliveries.ts";
import type { SandboxClock } from "../world/clock.ts";
import type { Faults } from "../world/faults.ts";
import type { Limits } from "../world/limits.ts";
import type { Store } from "../world/store.ts";
import type { Ledger } from "./ledger.ts";

/** The parts of the sandbox that answering a request needs. */
export type Parts = {
  readonly store: Store;
  readonly clock: SandboxClock;
  readonly ledger: Ledger;
  readonly deliveries: Deliveries;
  readonly faults: Faults;
  readonly limits: Limits;
  readonly answers: SavedAnswers;
};
