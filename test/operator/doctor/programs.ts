/** The doctor, and other programs and commands of an operator, against whatever the settings name. */
import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadOperatorConfig } from "../../../src/config/operatorConfig.ts";
import { examine } from "../../../src/operator/doctor/examination.ts";
import { exitCodeOf, type Finding } from "../../../src/operator/doctor/findings/finding.ts";
import { patientOf } from "../../../src/operator/doctor/patient.ts";

type Settings = Readonly<Record<string, string>>;
type Ended = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

/** A home, and a working directory without a `.env`, in which nobody has settings. */
const emptyFolder = mkdtempSync(join(tmpdir(), "operator-"));
const root = join(import.meta.dirname, "../../..");

export type Examined = {
  readonly exitCode: number;
  readonly findings: readonly Finding[];
  /** The findings of a check: their verdicts and messages. */
  of(check: string): readonly string[];
  /** The first finding of a check that is not well. */
  trouble(check: string): Finding;
};

/** What `npm run doctor` does between reading its settings and printing. */
export async function runDoctor(settings: Settings, longWaitMs = 86_400_000): Promise<Examined> {
  const findings = await examine(patientOf(loadOperatorConfig(settings), longWaitMs));
  return {
    exitCode: exitCodeOf(findings),
    findings,
    of: (check) =>
      findings.filter((finding) => finding.check === check).map(({ verdict, message }) => `${verdict}: ${message}`),
    trouble: (check) => {
      const found = findings.find((finding) => finding.check === check && finding.verdict !== "ok");
      if (found === undefined) throw new Error(`All is well with the ${check}.`);
      return found;
    },
  };
}

/** Runs a program of ours as a process of its own. */
export async function runProgram(entry: string, settings: Settings, words: readonly string[] = []): Promise<Ended> {
  return await run(process.execPath, [join(root, entry), ...words], settings, emptyFolder);
}

/** Runs a command as it was printed, where the project's own `npx` finds its tools. */
export async function runPrinted(command: string, settings: Settings = {}): Promise<Ended> {
  return await run("/bin/sh", ["-c", command], { CI: "true", STRIPE_CLI_TELEMETRY_OPTOUT: "1", ...settings }, root);
}

async function run(program: string, words: readonly string[], settings: Settings, cwd: string): Promise<Ended> {
  const env = { PATH: process.env["PATH"] ?? "", HOME: emptyFolder, NO_COLOR: "1", ...settings };
  return await new Promise((ended) => {
    execFile(program, words, { env, cwd }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      ended({ exitCode, stdout, stderr });
    });
  });
}
