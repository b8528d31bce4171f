import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { clientOf, withFolder, withSandbox } from "../surroundings.ts";

describe("a file of an earlier version", () => {
  it("is opened with what it holds, and goes on", async () => {
    await withFolder(async (dataDir) => {
      let id = "";
      await withSandbox(async ({ stripe }) => void ({ id } = await stripe.customers.create({})), { dataDir });
      const database = new DatabaseSync(join(dataDir, "sandbox.sqlite"));
      for (const table of ["events", "requests"]) {
        database.exec(`DROP INDEX ${table}_object; ALTER TABLE ${table} DROP COLUMN object_id`);
      }
      for (const table of ["requests", "deliveries"]) database.exec(`ALTER TABLE ${table} DROP COLUMN fault`);
      database.close();
      await withSandbox(
        async ({ sandbox }) => {
          expect((await clientOf(sandbox).customers.retrieve(id)).id).toBe(id);
          expect(await (await fetch(`${sandbox.url}/?object=${id}`)).text()).toContain(`from-request-2`);
        },
        { dataDir },
      );
    });
  });
});
