import { expect, it } from "vitest";
import { readyScreen, webhookRecipes } from "../../src/dev/screen.ts";
import { restateCommand } from "../../src/operator/engine/commands.ts";

// Where `localhost` is `::1` first, a process of somebody else at `[::1]:8080` would answer with a false outcome.
it("every printed line names the address that we listen on, and not a name that may be another address", () => {
  const sandbox = { kind: "sandbox", url: "http://127.0.0.1:12111" } as const;
  const account = { kind: "ok", accountId: "acct_1", clockAheadMs: null } as const;
  const screens = [sandbox, { kind: "account", mode: "live", account, apiBase: undefined } as const].map((target) =>
    readyScreen({
      stack: {
        url: "http://127.0.0.1:8080",
        adminUrl: "http://127.0.0.1:9070",
        target,
        merchants:
          target.kind === "account" ? [] : ["books", ...Array.from({ length: 9 }, (_, index) => `toys${index}`)],
        targetDir: "/data/sandbox",
        registration: { deploymentId: "dp_1", services: [], orphanedHandlers: [] },
      },
      startedInMs: 1,
      needsApiKey: target.kind === "account",
      unique: "a",
    }),
  );
  for (const text of [...screens, webhookRecipes(8080)]) expect(text).not.toContain("localhost");
  expect(screens[0]).toContain("curl http://127.0.0.1:8080/payments/processPayment");
  expect(screens[0]).not.toContain("authorization");
  expect(screens[0]).toContain(
    "  Merchants   default, books, toys0, toys1, toys2, toys3, toys4, toys5, toys6 and 2 more (",
  );
  expect(screens[1]).not.toContain("Merchants");
  expect(screens[1]).toContain('-H "authorization: Bearer $PAYMENTS_API_KEY"');
  expect(screens[0]).toContain("RESTATE_ADMIN_URL=http://127.0.0.1:9070 npx restate inv list");
  expect(screens[0]).toContain("Restate UI  http://127.0.0.1:9070/ui/");
  expect(webhookRecipes(8080)).toContain("stripe listen --forward-to 127.0.0.1:8080/payments/processWebhook");
  expect(webhookRecipes(8080)).toContain("ngrok http 127.0.0.1:8080\n");
  // The CLI asks port 9070 of localhost unless it is told.
  expect(restateCommand("http://127.0.0.1:9070")).toBe("RESTATE_ADMIN_URL=http://127.0.0.1:9070 npx restate");
  // It connects to no socket.
  expect(restateCommand("unix:/run/admin.sock")).toBe("RESTATE_ADMIN_URL=http://… npx restate");
});
