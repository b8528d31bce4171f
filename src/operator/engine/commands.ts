/** The `restate` CLI as a person has to call it to meet this engine: it looks at port 9070 of this machine unless told. */
export function restateCommand(adminUrl: string): string {
  const { port, hostname } = new URL(adminUrl);
  const isDefault = port === "9070" && ["localhost", "127.0.0.1"].includes(hostname);
  return isDefault ? "npx restate" : `RESTATE_ADMIN_URL=${adminUrl} npx restate`;
}
