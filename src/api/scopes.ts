/** The scopes of API keys: each names a noun, and whether a key may read it or change it. Waiting for an outcome is reading. */
export const scopes = [
  "payments:read",
  "payments:write",
  "refunds:write",
  "customers:read",
  "customers:write",
  "disputes:read",
  "disputes:write",
  "checkout:read",
  "checkout:write",
  "orders:read",
  "orders:write",
  "subscriptions:read",
  "subscriptions:write",
  "accounts:read",
  "accounts:write",
  "transfers:write",
  "console:read",
  "console:write",
] as const;

export type Scope = (typeof scopes)[number];

export function isScope(text: string): text is Scope {
  return (scopes as readonly string[]).includes(text);
}
