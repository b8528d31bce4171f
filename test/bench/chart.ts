/** One picture of a run: how fast each kind is, round by round, and where the CPU time of one payment goes. */
import { kinds } from "./kinds.ts";
import type { Results } from "./results.ts";
import type { Turn } from "./rounds.ts";
import { median } from "./statistics.ts";

const width = 1000;
const rowHeight = 34;
const left = 460;
const right = 90;
const headHeight = 48;
const panelGap = 30;
/** Readable on white and on dark. */
const ink = "#7a8594";
const colors = { engine: "#3b78c3", handlers: "#e08a2b", sandbox: "#9aa5b1" } as const;

export function chartOf({ turns, machine }: Results): string {
  const callers = Math.max(...turns.map((turn) => turn.callers));
  const rows = kinds
    .map(({ id, title }) => ({
      label: `(${id}) ${title.replaceAll("`", "")}`,
      turns: turns.filter((turn) => turn.kind === id && turn.callers === callers),
    }))
    .filter((row) => row.turns.length > 0);
  const panelHeight = headHeight + rows.length * rowHeight;
  const height = 2 * panelHeight + panelGap + 30;
  const speeds = rows.map((row) => row.turns.map((turn) => turn.perSecond));
  const costs = rows.map((row) => ({
    engine: medianOf(row.turns, "engine"),
    handlers: medianOf(row.turns, "handlers"),
    sandbox: medianOf(row.turns, "sandbox"),
  }));
  const speedScale = scaleTo(Math.max(...speeds.flat()));
  const costScale = scaleTo(Math.max(...costs.map((cost) => cost.engine + cost.handlers + cost.sandbox)));
  const parts = [
    heading(0, `Requests per second with ${callers} callers: median, and each round`),
    ...rows.map((row, index) => {
      const y = headHeight + index * rowHeight;
      const values = speeds[index] ?? [];
      const dots = values.map(
        (speed) => `<circle cx="${left + speedScale(speed)}" cy="${y + 13}" r="3" fill="none" stroke="${ink}"/>`,
      );
      const middle = median(values);
      return [
        label(y, row.label),
        bar(left, y, speedScale(middle), colors.engine),
        ...dots,
        figure(left + speedScale(Math.max(...values)), y, middle.toFixed(0)),
      ].join("");
    }),
    heading(panelHeight + panelGap, "CPU time of one request, in ms"),
    ...rows.map((row, index) => {
      const y = panelHeight + panelGap + headHeight + index * rowHeight;
      const cost = costs[index] ?? { engine: 0, handlers: 0, sandbox: 0 };
      const edges = [cost.engine, cost.engine + cost.handlers, cost.engine + cost.handlers + cost.sandbox].map(
        costScale,
      );
      const [first = 0, second = 0, third = 0] = edges;
      return [
        label(y, row.label),
        bar(left, y, first, colors.engine),
        bar(left + first, y, second - first, colors.handlers),
        bar(left + second, y, third - second, colors.sandbox),
        figure(left + third, y, (cost.engine + cost.handlers + cost.sandbox).toFixed(1)),
      ].join("");
    }),
    ...(["engine", "handlers", "sandbox"] as const).map(
      (name, index) =>
        `${bar(left + index * 110, panelHeight + panelGap + 28, 12, colors[name], 12)}<text x="${left + index * 110 + 18}" y="${panelHeight + panelGap + 38}" fill="${ink}">${name}</text>`,
    ),
    `<text x="0" y="${height - 6}" fill="${ink}" font-size="11">${escaped(`${machine.date}, ${machine.cpu}, ${machine.cores} cores for everything, callers included`)}</text>`,
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="Requests per second and CPU time of each kind">\n${parts.join("\n")}\n</svg>\n`;
}

function medianOf(turns: readonly Turn[], part: keyof Turn["cpuMs"]): number {
  return median(turns.map((turn) => turn.cpuMs[part]));
}

function scaleTo(maximum: number): (measured: number) => number {
  return (measured) => Math.round((measured / maximum) * (width - left - right) * 10) / 10;
}

function heading(y: number, words: string): string {
  return `<text x="0" y="${y + 18}" fill="${ink}" font-size="14" font-weight="600">${escaped(words)}</text>`;
}

function label(y: number, words: string): string {
  return `<text x="${left - 10}" y="${y + 17}" text-anchor="end" fill="${ink}" font-size="11">${escaped(words)}</text>`;
}

function bar(x: number, y: number, length: number, color: string, thickness = 20): string {
  return `<rect x="${x}" y="${y + (thickness === 20 ? 3 : 0)}" width="${Math.max(0, length)}" height="${thickness}" fill="${color}"/>`;
}

function figure(x: number, y: number, words: string): string {
  return `<text x="${x + 8}" y="${y + 17}" fill="${ink}" font-weight="600">${words}</text>`;
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
