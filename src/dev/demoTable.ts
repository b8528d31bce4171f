/** The table that `npm run demo` ends with. */
import { styleText } from "node:util";
import { formatDuration } from "../config/duration.ts";

export type DemoRow = {
  readonly title: string;
  readonly story: string;
  readonly httpStatus: number;
  readonly outcome: string;
  /** How it was settled, or why it was declined. */
  readonly detail: string;
  readonly tookMs: number;
  readonly asExpected: boolean;
};

const columns = ["", "payment", "what happens", "HTTP", "outcome", "settled by / reason", "took"] as const;

/** Lays the rows out in columns, and says in a last line whether all came out right. */
export function demoTable(rows: readonly DemoRow[]): string {
  const cells = rows.map((row) => [
    row.asExpected ? "✓" : "✗",
    row.title,
    row.story,
    String(row.httpStatus),
    row.outcome,
    row.detail,
    formatDuration(row.tookMs),
  ]);
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join("   ")}`.trimEnd();
  const right = rows.filter((row) => row.asExpected).length;
  const summary = `${right} of ${rows.length} payments came out as they must.`;
  return [
    styleText("dim", line(columns)),
    ...rows.map((row, index) => styleText(colourOf(row), line(cells[index] ?? []))),
    "",
    `  ${styleText(right === rows.length ? "green" : "red", summary)} Run ${styleText("bold", "npm start")} to try your own.`,
    "",
  ].join("\n");
}

function colourOf(row: DemoRow): "red" | "green" | "yellow" {
  if (!row.asExpected) return "red";
  return row.httpStatus === 200 ? "green" : "yellow";
}
