/**
 * The part of `total` that belongs to `part` of `whole`, when `before` of the whole has had its parts already. Each sum of
 * parts is rounded and not each part, so that all parts together are `total` to the cent.
 */
export function shareOf(total: number, part: number, before: number, whole: number): number {
  return roundedShare(total, before + part, whole) - roundedShare(total, before, whole);
}

/** Half a cent and more is a cent. The product may be more than a number holds exactly. */
function roundedShare(total: number, part: number, whole: number): number {
  const [dividend, divisor] = [2n * BigInt(total) * BigInt(part), 2n * BigInt(whole)];
  return Number((dividend + BigInt(whole)) / divisor);
}
