/** Is the engine there, and one that this service was tested with? */
import { EngineAdminError } from "../../engine/adminApi.ts";
import { ok, warning, wrong, type Finding } from "./finding.ts";
import type { Patient } from "../patient.ts";

const check = "engine";

/** Everything here was tested with 1.7; older ones know less. */
const testedVersion = [1, 7] as const;

export async function examineEngine({ admin, config }: Patient): Promise<Finding> {
  try {
    return judgeVersion(await admin.version(), config.adminUrl);
  } catch (error) {
    if (!(error instanceof EngineAdminError)) throw error;
    return wrong(
      check,
      `The engine's admin API can't be used: ${error.message}.`,
      "Start the engine (npm start starts one), or set RESTATE_ADMIN_URL, and RESTATE_AUTH_TOKEN where it asks for a token",
    );
  }
}

export function judgeVersion(version: string, adminUrl: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [testedMajor, testedMinor] = testedVersion;
  const isOlder = major < testedMajor || (major === testedMajor && minor < testedMinor);
  if (!isOlder) return ok(check, `The engine answers at ${adminUrl}: version ${version}.`);
  return warning(
    check,
    `The engine at ${adminUrl} is version ${version}; this service was tested with ${testedVersion.join(".")} and later.`,
    "Upgrade the engine: https://docs.restate.dev/server/upgrading",
  );
}
