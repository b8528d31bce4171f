/** Which account an invocation is about, for the lines of its log. The default account has no label. */
const kept = 10_000;

const labels = new Map<string, string>();

/** Notes an account for the lines that an invocation will log. The memory is bounded: the oldest are forgotten. */
export function labelInvocation(invocationId: string, label: string): void {
  labels.delete(invocationId);
  labels.set(invocationId, label);
  const [oldest] = labels.keys();
  if (labels.size > kept && oldest !== undefined) labels.delete(oldest);
}

export function labelOfInvocation(invocationId: string): string | undefined {
  return labels.get(invocationId);
}
