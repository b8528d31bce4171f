/** A shell in which commands are run one after another, as in a terminal: functions and variables stay. */
import { spawn } from "node:child_process";
import { until } from "./conditions.ts";

export type Shell = {
  /** @returns what the commands print */
  run(commands: string): Promise<string>;
  close(): void;
};

export function openShell(directory: string): Shell {
  const child = spawn("sh", [], { cwd: directory, stdio: ["pipe", "pipe", "inherit"] });
  let printed = "";
  child.stdout.on("data", (chunk) => void (printed += String(chunk)));
  let runs = 0;
  return {
    async run(commands) {
      const mark = `end of run ${++runs}\n`;
      printed = "";
      child.stdin.write(`${commands}\nprintf '${mark.trimEnd()}\\n'\n`);
      await until(() => {
        if (child.exitCode !== null) throw new Error(`The shell ended: ${printed}`);
        return printed.endsWith(mark);
      });
      return printed.slice(0, -mark.length).trim();
    },
    close: () => void child.kill(),
  };
}
