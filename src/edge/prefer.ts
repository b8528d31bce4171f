/** How long a caller wants to wait, in the words of RFC 7240: `Prefer: respond-async`, `Prefer: wait=30`, or both. */

/** `waitMs`: until when the outcome is waited for before the answer is 202; null for as long as it takes. */
export type Preference = { readonly waitMs: number | null; readonly applied: string | null };

const longestWaitSeconds = 300;

/** A preference that is not understood is passed over, as the standard asks. https://www.rfc-editor.org/rfc/rfc7240 */
export function preferenceOf(header: string | undefined): Preference {
  let isAsync = false;
  let waitSeconds: number | null = null;
  for (const part of (header ?? "").split(",")) {
    const [name = "", value] = (part.split(";")[0] ?? "").split("=").map((text) => text.trim());
    if (name.toLowerCase() === "respond-async") isAsync = true;
    const seconds = /^"?(\d{1,6})"?$/.exec(value ?? "")?.[1];
    if (name.toLowerCase() === "wait" && seconds !== undefined && waitSeconds === null) waitSeconds = Number(seconds);
  }
  if (waitSeconds !== null) {
    const appliedSeconds = Math.min(waitSeconds, longestWaitSeconds);
    return { waitMs: appliedSeconds * 1000, applied: `wait=${appliedSeconds}` };
  }
  return isAsync ? { waitMs: 0, applied: "respond-async" } : { waitMs: null, applied: null };
}

export function appliedHeader({ applied }: Preference): { readonly headers: Readonly<Record<string, string>> } {
  return { headers: applied === null ? {} : { "preference-applied": applied } };
}
