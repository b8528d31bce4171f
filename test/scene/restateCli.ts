import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Runs the restate CLI that comes with the project, as an operator would, against a scene's engine. */
export async function restate(adminUrl: string, ...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("node_modules/.bin/restate", [...words], {
    env: { ...process.env, RESTATE_ADMIN_URL: adminUrl, NO_COLOR: "1" },
  });
  return stdout;
}
