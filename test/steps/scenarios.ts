/** All scenarios. A handler that none of them calls, or a step that none of them comes to, fails the test. */
import type { Scenario } from "./scenario.ts";
import { accounts } from "./scenarios/accounts.ts";
import { disputes } from "./scenarios/disputes.ts";
import { edgeScenarios } from "./scenarios/edge.ts";
import { lifecycle } from "./scenarios/lifecycle.ts";
import { merchants, shared, transfers } from "./scenarios/marketplaces.ts";
import { notifications } from "./scenarios/notifications.ts";
import { payments } from "./scenarios/payments.ts";
import { reconciliations } from "./scenarios/reconciliations.ts";
import { references } from "./scenarios/references.ts";
import { accepted } from "./scenarios/accepted.ts";
import { customers, setupScenarios } from "./scenarios/setups.ts";

export const scenarios: readonly Scenario[] = [
  ...payments,
  ...lifecycle,
  ...setupScenarios,
  ...customers,
  ...disputes,
  ...references,
  ...notifications,
  ...reconciliations,
  ...accounts,
  ...transfers,
  ...shared,
  ...merchants,
  ...accepted,
  ...edgeScenarios,
];
