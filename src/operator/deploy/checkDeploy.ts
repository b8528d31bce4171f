/** Looks at the engine and at the new version, and hands what it saw to the judgement. */
import { exitCodeOf, type Finding } from "../doctor/findings/finding.ts";
import { connectToAdmin, type AdminTarget } from "../engine/adminApi.ts";
import { restateCommand } from "../engine/commands.ts";
import { offeredServices } from "../../app/services.ts";
import { seeCandidate, seeEngine } from "./engineState.ts";
import { howToRegister, judgeCandidate, judgeDeployments } from "./judgement.ts";

/**
 * @param address of the new version; without one, only the deployments that exist are judged
 * @throws EngineAdminError
 */
export async function checkDeploy(
  target: AdminTarget,
  address?: string,
): Promise<{ readonly findings: readonly Finding[]; readonly isRefused: boolean }> {
  const admin = connectToAdmin(target);
  const candidate = address === undefined ? undefined : await seeCandidate(admin, address);
  const offered = candidate?.discovery.kind === "offers" ? candidate.discovery.services : [];
  const state = await seeEngine(admin, [...offeredServices, ...offered], restateCommand(target.adminUrl));
  const against = candidate === undefined ? [] : judgeCandidate(candidate, state);
  const findings = [...judgeDeployments(state), ...against];
  const isRefused = exitCodeOf(findings) === 1;
  if (candidate === undefined || isRefused) return { findings, isRefused };
  return { findings: [...findings, howToRegister(candidate, state)], isRefused };
}
