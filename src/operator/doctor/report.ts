/** The findings for a person, or for a machine. */
import { styleText } from "node:util";
import { exitCodeOf, type Finding, type Verdict } from "./findings/finding.ts";

const signs: Readonly<Record<Verdict, { readonly sign: string; readonly colour: "green" | "yellow" | "red" }>> = {
  ok: { sign: "✓", colour: "green" },
  warning: { sign: "!", colour: "yellow" },
  wrong: { sign: "✗", colour: "red" },
};

export function reportText(findings: readonly Finding[]): string {
  return findingsText(findings, summary(findings));
}

/** A line per finding; below it what it is about, and what to do; a last line. Colours appear on a terminal only. */
export function findingsText(findings: readonly Finding[], lastLine: string): string {
  const colour = exitCodeOf(findings) === 0 ? "green" : "red";
  return ["", ...findings.flatMap(linesOf), "", `  ${styleText(colour, lastLine)}`, ""].join("\n");
}

export function reportJson(findings: readonly Finding[]): string {
  return JSON.stringify({ healthy: exitCodeOf(findings) === 0, findings }, null, 2);
}

function linesOf({ verdict, message, details, remedies }: Finding): readonly string[] {
  const { sign, colour } = signs[verdict];
  return [
    `  ${styleText(colour, sign)} ${message}`,
    ...details.map((detail) => `      ${styleText("dim", detail)}`),
    ...remedies.map((remedy) => `    → ${styleText("cyan", remedy)}`),
  ];
}

function summary(findings: readonly Finding[]): string {
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length;
  const [wrongs, warnings] = [count("wrong"), count("warning")];
  const noticed = warnings === 0 ? "" : `, ${warnings} to know about`;
  if (wrongs === 0) return `Nothing is wrong${noticed}.`;
  return `${wrongs} ${wrongs === 1 ? "thing is" : "things are"} wrong${noticed}.`;
}
