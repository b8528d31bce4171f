/** Asks the engine about our deployments, and what has not begun yet. Everything here only reads. */
import { z } from "zod";
import type { EngineAdmin, OfferedService } from "../engine/adminApi.ts";
import { pinnedPerDeployment } from "../engine/pinned.ts";
import type { Candidate, EngineState, Unbegun } from "./judgement.ts";

type Names = readonly Pick<OfferedService, "name">[];

/** Has the engine look at a new version. The address of a registered one is read anew, which the engine does not do by itself. */
export async function seeCandidate(admin: EngineAdmin, address: string): Promise<Candidate> {
  const isKnown = (await admin.deployments()).some((deployment) => deployment.address === address);
  return { address, discovery: await admin.discover({ address, usesHttp1: false }, { judged: !isKnown }) };
}

/** @param names services whose deployments are meant: others may share the engine */
export async function seeEngine(admin: EngineAdmin, names: Names, cli: string): Promise<EngineState> {
  const isMeant = (name: string) => names.some((service) => service.name === name);
  const [all, services, pinned, unbegun] = await Promise.all([
    admin.deployments(),
    admin.services(),
    pinnedPerDeployment(admin),
    seeUnbegun(admin),
  ]);
  const deployments = await Promise.all(
    all
      .filter((deployment) => deployment.services.some(isMeant))
      .map(async (deployment) => ({
        ...deployment,
        pinned: pinned.get(deployment.id) ?? 0,
        discovery: await admin.discover(deployment, { judged: false }),
      })),
  );
  return { deployments, services, unbegun: unbegun.filter(({ service }) => isMeant(service)), cli };
}

async function seeUnbegun(admin: EngineAdmin): Promise<readonly Unbegun[]> {
  return await admin.query(
    "select target_service_name as service, target_handler_name as handler, count(1) as count from sys_invocation where pinned_deployment_id is null and status <> 'completed' group by target_service_name, target_handler_name",
    z.object({ service: z.string(), handler: z.string(), count: z.number() }),
  );
}
