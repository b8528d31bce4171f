import { randomText } from "./identifiers.ts";
import type { Store } from "./store.ts";

/**
 * Texts that open something of a connected account to their bearer: the addresses of Account Links and of the visits that
 * they lead to, and the codes and tokens of OAuth.
 */
export type TokenKind = "account_link" | "visit" | "code" | "refresh" | "access";

export type ConnectToken = {
  readonly token: string;
  readonly kind: TokenKind;
  readonly account: string;
  readonly platform: string;
  /** Null for a token that lives until it is revoked. */
  readonly expiresAtMs: number | null;
  readonly isUsed: boolean;
  /** The code that an OAuth token was issued for. */
  readonly code: string | null;
  readonly returnUrl: string | null;
  readonly refreshUrl: string | null;
};

const PREFIXES: Readonly<Record<TokenKind, string>> = {
  account_link: "",
  visit: "",
  code: "ac_",
  refresh: "rt_",
  access: "sk_test_connected_",
};

export function newToken(
  kind: TokenKind,
  facts: Pick<ConnectToken, "account" | "platform"> &
    Partial<Pick<ConnectToken, "expiresAtMs" | "code" | "returnUrl" | "refreshUrl">>,
): ConnectToken {
  const blank = { expiresAtMs: null, isUsed: false, code: null, returnUrl: null, refreshUrl: null };
  return { ...blank, ...facts, kind, token: `${PREFIXES[kind]}${randomText(32)}` };
}

export function writeToken(store: Store, { token, kind, account, platform, ...rest }: ConnectToken): void {
  store.run(
    `INSERT INTO connect_tokens (token, kind, account, platform, expires_at_ms, is_used, code, return_url, refresh_url)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (token) DO UPDATE SET is_used = excluded.is_used`,
    token,
    kind,
    account,
    platform,
    rest.expiresAtMs,
    rest.isUsed ? 1 : 0,
    rest.code,
    rest.returnUrl,
    rest.refreshUrl,
  );
}

export function findToken(store: Store, kind: TokenKind, token: string): ConnectToken | null {
  const row = store.row("SELECT * FROM connect_tokens WHERE token = ? AND kind = ?", token, kind);
  if (row === undefined) return null;
  const text = (name: string) => (typeof row[name] === "string" ? row[name] : null);
  const expiresAtMs = row["expires_at_ms"];
  return {
    token,
    kind,
    account: String(row["account"]),
    platform: String(row["platform"]),
    expiresAtMs: typeof expiresAtMs === "number" ? expiresAtMs : null,
    isUsed: row["is_used"] === 1,
    code: text("code"),
    returnUrl: text("return_url"),
    refreshUrl: text("refresh_url"),
  };
}

/** Whether the token still opens something: it is of one use, or of a time. */
export function isLive({ isUsed, expiresAtMs }: ConnectToken, nowMs: number): boolean {
  return !isUsed && (expiresAtMs === null || nowMs < expiresAtMs);
}

export function revokeTokensOfCode(store: Store, code: string): void {
  store.run("DELETE FROM connect_tokens WHERE code = ?", code);
}

export function revokeTokensOfAccount(store: Store, account: string): void {
  store.run("DELETE FROM connect_tokens WHERE account = ?", account);
}
