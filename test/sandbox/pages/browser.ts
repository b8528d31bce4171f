/** A real browser for the sandbox's pages: Debian's chromium, driven by playwright-core. */
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";

const EXECUTABLE = "/usr/bin/chromium";

/** Whether the machine has the browser. Tests that need it are skipped without it, and say so. */
export const hasBrowser = existsSync(EXECUTABLE);

if (!hasBrowser) {
  process.stderr.write(
    `\n!!! ${EXECUTABLE} is missing: the tests of the sandbox's pages are SKIPPED. Install it with: apt-get install chromium\n\n`,
  );
}

/** To the browser this name is one of this machine's: DNS rebinding. */
export const reboundName = "rebound.example";

let browser: Promise<Browser> | undefined;

/** A page of its own, closed when the test is finished. `isPhone` has the size and the touch screen of one. */
export async function openPage(options: { readonly isPhone?: boolean } = {}): Promise<Page> {
  browser ??= chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // A name whose owner lets it point to this machine, as an attacker lets his.
      `--host-resolver-rules=MAP ${reboundName} 127.0.0.1`,
    ],
  });
  const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
  const context = await (
    await browser
  ).newContext({
    reducedMotion: "reduce",
    ...(options.isPhone === true ? phone : { viewport: { width: 1280, height: 900 } }),
  });
  context.setDefaultTimeout(30_000);
  onTestFinished(async () => await context.close());
  return await context.newPage();
}

/** For `afterAll`: ends the browser, if one was started. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
}
