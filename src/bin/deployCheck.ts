/**
 * `npm run deploy:check -- <address of the new version>`: may it be registered without stranding what waits? Without an address: which
 * versions are still needed. It registers nothing. Exit codes: 0 yes, 1 no, 2 the settings or arguments can't be used.
 */
import { ConfigError, readEnvironment } from "../config/config.ts";
import { loadOperatorConfig } from "../config/operatorConfig.ts";
import { findingsText } from "../operator/doctor/report.ts";
import { EngineAdminError } from "../operator/engine/adminApi.ts";
import { checkDeploy } from "../operator/deploy/checkDeploy.ts";

const usage = "Usage: npm run deploy:check -- [http://<host>:<port> of the new version]";

class UsageError extends Error {}

function addressOf(words: readonly string[]): string | undefined {
  const [text, ...others] = words;
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  const isAddress = url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  if (!isAddress || others.length > 0) throw new UsageError(usage);
  return url.href;
}

async function run(): Promise<number> {
  const address = addressOf(process.argv.slice(2));
  const config = loadOperatorConfig(readEnvironment());
  const { findings, isRefused } = await checkDeploy(config, address);
  const last = isRefused ? "Refused: something would be stranded." : "Nothing speaks against it.";
  console.log(findingsText(findings, last));
  return isRefused ? 1 : 0;
}

try {
  process.exitCode = await run();
} catch (error) {
  if (error instanceof EngineAdminError) {
    console.error(`The engine could not be asked: ${error.message}. Start it, or set RESTATE_ADMIN_URL.`);
    process.exitCode = 1;
  } else if (error instanceof ConfigError || error instanceof UsageError) {
    console.error(error.message);
    process.exitCode = 2;
  } else throw error;
}
