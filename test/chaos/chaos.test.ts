/** The fault run that belongs to every test run; the release run is bigger, and its table is in README.md. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";

const patienceMs = 600_000;

it(
  "keeps every promise while processes are killed and Stripe is ill",
  async () => {
    const child = spawn(process.execPath, ["test/chaos/chaos.ts", "--payments", "60", "--kills", "4"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exited = once(child, "exit");
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = (await exited) as [number | null];
    // With the seed, and the history of what went wrong.
    if (code !== 0) console.error(`${output}\n${errors}`);
    expect(code).toBe(0);
    expect(output).toMatch(/^seed \d+/);
    const verdicts = output.split("\n").filter((line) => /^\s+[✓✗]/.test(line));
    expect(verdicts.map((line) => line.trim().slice(0, 5).replaceAll(/ +/g, " "))).toEqual(
      ["I1", "I2", "I3", "I4", "I5", "I7", "M1", "M2", "M3", "M4", "I6"].map((name) => `✓ ${name}`),
    );
  },
  patienceMs,
);
