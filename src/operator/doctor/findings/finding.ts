/** What the doctor says: one finding per check, and more where more than one thing is wrong. */

export type Verdict = "ok" | "warning" | "wrong";

export type Finding = {
  /** Which check says so; stable, for machines. */
  readonly check: string;
  readonly verdict: Verdict;
  /** One plain sentence. */
  readonly message: string;
  /** What it is about, a line each. */
  readonly details: readonly string[];
  /** What to do, a line each: commands where there are any. */
  readonly remedies: readonly string[];
};

type More = { readonly details?: readonly string[]; readonly remedies?: readonly string[] };

export function ok(check: string, message: string, more: More = {}): Finding {
  return finding(check, "ok", message, more);
}

/** Payments work, but somebody should know. */
export function warning(check: string, message: string, ...remedies: readonly string[]): Finding {
  return finding(check, "warning", message, { remedies });
}

/** Something does not work until somebody acts. */
export function wrong(check: string, message: string, ...remedies: readonly string[]): Finding {
  return finding(check, "wrong", message, { remedies });
}

export function withDetails(about: Finding, details: readonly string[]): Finding {
  return { ...about, details };
}

/** 0 where payments work, 1 where something is wrong. */
export function exitCodeOf(findings: readonly Finding[]): 0 | 1 {
  return findings.some(({ verdict }) => verdict === "wrong") ? 1 : 0;
}

function finding(check: string, verdict: Verdict, message: string, { details = [], remedies = [] }: More): Finding {
  return { check, verdict, message, details, remedies };
}
