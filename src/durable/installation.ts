/**
 * An installation is one engine with its services: one shop, or its staging. Several may share one Stripe account, whose webhooks
 * reach them all, and whose lists show what each of them made. So an installation has an identity, which it writes into the metadata
 * of everything that it makes, and of every idempotency key it is a part: the engines' own ids of calls are no identity, because two
 * engines that are given the same idempotency key make the same id of it.
 *
 * The identity is chosen once and kept in the engine, the only store: it outlives every process, and goes where the engine's data go.
 * A process learns it from the engine at its first payment and remembers it, so that no other payment pays for it. Steps record what
 * their process remembered, so that a replay by another process decides alike.
 */
import { randomUUID } from "node:crypto";
import * as restate from "@restatedev/restate-sdk";
import { running } from "./policies.ts";

export const installationInterface = restate.iface.object(
  "installation",
  { identify: restate.iface.json<void, string>({ description: "The identity of this installation." }) },
  { description: "Private: tells what this installation made at Stripe from what others did." },
);

/** There is one per engine. */
const onlyKey = "this";

/** What a process remembers of the installation that it serves. */
export type InstallationMemory = {
  /** Null until somebody has asked the engine. What is decided by it has to be journaled. */
  known(): string | null;
  learn(installationId: string): void;
};

export function createInstallationMemory(installationId: string | null = null): InstallationMemory {
  let remembered = installationId;
  return {
    known: () => remembered,
    learn: (id) => {
      remembered = id;
    },
  };
}

export async function askForInstallation(ctx: restate.Context): Promise<string> {
  return await ctx.client(installationInterface, onlyKey).identify();
}

export function createInstallation(options: { readonly inactivityTimeoutMs: number }) {
  return restate.implement(installationInterface, {
    handlers: {
      async identify(ctx) {
        const kept = await ctx.get<string>("id");
        if (kept !== null) return kept;
        // Not of the engine's own randomness, which follows from the id of the call.
        const id = await ctx.run("choose an identity", () => `in_${randomUUID().replaceAll("-", "").slice(0, 20)}`);
        ctx.set("id", id);
        return id;
      },
    },
    options: { ...running(options), ingressPrivate: true, journalRetention: 0 },
  });
}
