/**
 * The `restate` CLI as a person has to call it to meet this engine. Unless told it looks at port 9070 of `localhost`, which is another address
 * than the engine's where that name is `::1` first.
 */
export function restateCommand(adminUrl: string): string {
  return `RESTATE_ADMIN_URL=${adminUrl} npx restate`;
}
