/**
 * `npm run doctor`: looks at the whole chain, from the engine to Stripe, and says what is wrong and what to do. It changes
 * nothing. Exit codes: 0 nothing is wrong, 1 something is, 2 the settings or arguments can't be used.
 */
import { parseArgs } from "node:util";
import { ConfigError, readEnvironment } from "../config/config.ts";
import { loadOperatorConfig } from "../config/operatorConfig.ts";
import { parseDurationMs } from "../config/duration.ts";
import { examine } from "../operator/doctor/examination.ts";
import { exitCodeOf } from "../operator/doctor/findings/finding.ts";
import { furtherPatients } from "../operator/doctor/furtherPatients.ts";
import { patientOf } from "../operator/doctor/patient.ts";
import { reportJson, reportText } from "../operator/doctor/report.ts";

const usage = "Usage: npm run doctor -- [--json] [--waiting-longer-than 1d]";

const longestWaitMs = parseDurationMs("3650d");

class UsageError extends Error {}

function readArguments(): { readonly json: boolean; readonly longWaitMs: number } {
  try {
    const options = {
      json: { type: "boolean", default: false },
      "waiting-longer-than": { type: "string", default: "1d" },
    } as const;
    const { values } = parseArgs({ options });
    const longWaitMs = parseDurationMs(values["waiting-longer-than"]);
    // A date that far back doesn't exist.
    if (longWaitMs > longestWaitMs) throw new RangeError("--waiting-longer-than takes 3650d at most.");
    return { json: values.json, longWaitMs };
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n${usage}`, { cause: error });
  }
}

async function run(): Promise<number> {
  const { json, longWaitMs } = readArguments();
  const environment = readEnvironment();
  const config = loadOperatorConfig(environment);
  const findings = await examine(patientOf(config, longWaitMs, furtherPatients(config, environment)));
  console.log(json ? reportJson(findings) : reportText(findings));
  return exitCodeOf(findings);
}

try {
  process.exitCode = await run();
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
