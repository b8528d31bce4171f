/** A request's headers, each with all its values: `headersDistinct` of node:http, whose `headers` hides that a header came twice. */
export type RequestHeaders = Readonly<Record<string, readonly string[] | undefined>>;

/** The value of a header that came exactly once; null for one that didn't come, or that came twice. */
export function onlyValue(headers: RequestHeaders, name: string): string | null {
  const values = headers[name] ?? [];
  return values.length === 1 ? (values[0] ?? null) : null;
}
