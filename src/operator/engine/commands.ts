import { socketScheme } from "../../config/engineSockets.ts";

/**
 * The `restate` CLI as a person has to call it to meet this engine. Unless told it looks at port 9070 of `localhost`, which is another address
 * than the engine's where that name is `::1` first.
 */
export function restateCommand(adminUrl: string): string {
  // The CLI can't connect to a socket: a person has to know the address of a proxy before it.
  const address = adminUrl.startsWith(socketScheme) ? "http://…" : adminUrl;
  return `RESTATE_ADMIN_URL=${address} npx restate`;
}
