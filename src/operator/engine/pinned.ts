import { z } from "zod";
import type { EngineAdmin } from "./adminApi.ts";

/** How many invocations that have not ended began on each deployment. */
export async function pinnedPerDeployment(admin: EngineAdmin): Promise<ReadonlyMap<string, number>> {
  const rows = await admin.query(
    "select pinned_deployment_id as id, count(1) as n from sys_invocation where pinned_deployment_id is not null and status <> 'completed' group by pinned_deployment_id",
    z.object({ id: z.string(), n: z.number() }),
  );
  return new Map(rows.map(({ id, n }) => [id, n]));
}
