import { PauseError, RestateError, TerminalError, type LogMetadata } from "@restatedev/restate-sdk";
import { afterEach, describe, expect, it, vi } from "vitest";
import { log } from "../../src/telemetry/logger.ts";

class StripeOutage extends Error {
  override readonly name = "StripeOutage";
}

/** The SDK's metadata of a message; its enums are types only. */
function metadata(source: string, level: string, replaying = false): LogMetadata {
  return { source, level, replaying } as unknown as LogMetadata;
}

describe("log", () => {
  const errors = vi.spyOn(console, "error").mockImplementation(() => {});
  const infos = vi.spyOn(console, "info").mockImplementation(() => {});
  afterEach(() => {
    vi.clearAllMocks();
  });
  const lines = () => [...errors.mock.calls, ...infos.mock.calls].flat();

  it.each([
    ["our own word", metadata("USER", "info"), ["It is refunded."], "INFO: It is refunded."],
    ["our own warning", metadata("USER", "warn"), ["pi_1 was given up."], "WARN: pi_1 was given up."],
    [
      "an outage, without a stack",
      metadata("SYSTEM", "warn"),
      ["Error when processing ctx.run 'create PaymentIntent'.\n", new StripeOutage("Stripe failed (500).")],
      "WARN: Error when processing ctx.run 'create PaymentIntent'. Stripe failed (500).",
    ],
  ])("says %s in a line", (_what, about, words, line) => {
    log(about, ...words);
    expect(lines()).toEqual([line]);
  });

  it("shows the stack of a bug", () => {
    log(metadata("SYSTEM", "warn"), "Error:", new TypeError("a bug"));
    expect(lines()[0]).toMatch(/TypeError: a bug\n\s+at /);
  });

  it.each<[string, LogMetadata, unknown[]]>([
    ["what a replay says again", metadata("USER", "warn", true), ["pi_1 was given up."]],
    ["the SDK's progress", metadata("SYSTEM", "info"), ["Starting invocation."]],
    ["a decline", metadata("SYSTEM", "warn"), ["Error:", new TerminalError("declined", { errorCode: 402 })]],
    ["a pause, which the step explains", metadata("SYSTEM", "warn"), ["Error:", new PauseError("key rejected")]],
    [
      "the second report of an outage",
      metadata("SYSTEM", "warn"),
      ["Error:", new RestateError("(500) Stripe failed.\nStacktrace: StripeOutage: Stripe failed (500).")],
    ],
  ])("leaves out %s", (_what, about, words) => {
    log(about, ...words);
    expect(lines()).toEqual([]);
  });
});
