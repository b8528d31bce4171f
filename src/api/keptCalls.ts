/**
 * Where the answers of calls are that a private service keeps: the calls whose `keeps` is `elsewhere` in the registry. The private
 * call has the name of the public one, and a key that is made of the public invocation's id and a number. An answer that passed
 * with time is kept under its number, and the next one under the next.
 */
export const keptCallsName = "keptCalls";

export function keptCallKey(publicInvocationId: string, number: number): string {
  return `${publicInvocationId}-${number}`;
}
