/** docs/merchants.md, as a reader follows it: its file, its start and its commands, word for word but for the ports. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "./conditions.ts";
import { likeShown, walkOf } from "./documentWalk.ts";
import { settingsIn, start, type Settings } from "./startProgram.ts";

test("the merchants of the guide can be tried without Stripe, with the answers that it shows", async () => {
  const { text: walk, blocks } = walkOf("docs/merchants.md", "## Try it without Stripe");
  const [file, ...steps] = blocks;
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "merchants.json"), file?.text ?? "");
  expect(walk).toContain("`MERCHANTS_FILE=merchants.json npm start`");
  const settings: Settings = { ...(await settingsIn(directory)), MERCHANTS_FILE: "merchants.json" };
  const started = start(directory, settings);
  await started.isReady();
  const [, named = ""] = /names the merchants: `(.*)`/.exec(walk) ?? [];
  expect(started.output()).toContain(`  Merchants   ${named} (`);

  expect(steps.map(({ language }) => language)).toEqual([
    "shell",
    "json",
    "shell",
    "json",
    "shell",
    "json",
    "shell",
    "json",
  ]);
  for (let step = 0; step < steps.length; step += 2) {
    const command = (steps[step]?.text ?? "")
      .replace(/^curl /, "curl -s ")
      .replace("127.0.0.1:8080", `127.0.0.1:${settings["EDGE_PORT"]}`)
      .replace("127.0.0.1:12111", `127.0.0.1:${settings["SANDBOX_PORT"]}`);
    expect(execFileSync("sh", ["-c", command], { encoding: "utf8" })).toMatch(likeShown(steps[step + 1]?.text ?? ""));
  }
  started.kill("SIGTERM");
  expect(await started.exited).toBe(0);
});
