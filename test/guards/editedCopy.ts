/** A copy of `src` in which one place is edited, as if somebody had deleted a guard or made an old mistake again. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { serveServices } from "../../src/app/services.ts";
import type { createStripeGateway } from "../../src/merchants/gateway.ts";

/** A change of one place of the code. */
export type Edit = { readonly file: string; readonly from: string; readonly to: string };

/** What it takes to serve; from one copy of the code, or from the code itself. */
export type Code = {
  readonly serveServices: typeof serveServices;
  readonly createStripeGateway: typeof createStripeGateway;
};

const root = resolve(import.meta.dirname, "../..");

/** A folder with a copy of `src`, with one edit. @throws Error as `editedSource` does */
export async function editedCopy({ file, from, to }: Edit) {
  const parts = (await readFile(join(root, "src", file), "utf8")).split(from);
  if (parts.length !== 2) throw new Error(`src/${file} has ${parts.length - 1} places that read: ${from}`);
  const folder = await mkdtemp(join(tmpdir(), "restate-stripe-payments-guard-"));
  await cp(join(root, "src"), join(folder, "src"), { recursive: true });
  await cp(join(root, "package.json"), join(folder, "package.json"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "src", file), parts.join(to));
  return {
    folder,
    async remove(): Promise<void> {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Loads what it takes to serve from such a folder. */
export async function codeIn(folder: string): Promise<Code> {
  const [serve, gateway] = (await Promise.all([
    import(join(folder, "src/app/services.ts")),
    import(join(folder, "src/merchants/gateway.ts")),
  ])) as [Code, Code];
  return { serveServices: serve.serveServices, createStripeGateway: gateway.createStripeGateway };
}
