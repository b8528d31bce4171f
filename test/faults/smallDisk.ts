/** A filesystem so small that a test can fill it. Only root may mount one; elsewhere the tests that need it are skipped. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type SmallDisk = ReturnType<typeof mountSmallDisk>;

/** Why there can be no small disk here, or null. */
export const noSmallDisk = reasonAgainst();

function reasonAgainst(): string | null {
  try {
    mountSmallDisk(1).unmount();
    return null;
  } catch (error) {
    const reason = `A small filesystem can't be mounted here, so what happens on a full disk is NOT tested: ${String(error)}`;
    console.warn(reason);
    return reason;
  }
}

export function mountSmallDisk(megabytes: number) {
  const path = mkdtempSync(join(tmpdir(), "small-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path], { stdio: "pipe" });
  } catch (error) {
    rmdirSync(path);
    throw error;
  }
  const filler = join(path, "filler");
  return {
    path,
    /** Takes all the space that is left, to the last page. */
    fill(): void {
      const file = openSync(filler, "a");
      try {
        for (;;) writeSync(file, Buffer.alloc(4096));
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
      } finally {
        closeSync(file);
      }
    },
    free(): void {
      rmSync(filler);
    },
    /** Lazily: a process that is just ending may hold a file. */
    unmount(): void {
      execFileSync("umount", ["--lazy", path]);
      rmdirSync(path);
    },
  };
}
