import { PauseError, RestateError, TerminalError, type LogMetadata } from "@restatedev/restate-sdk";
import { afterEach, describe, expect, it, vi } from "vitest";
import { labelInvocation } from "../../src/telemetry/accountLabels.ts";
import { createLog, log } from "../../src/telemetry/logger.ts";

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

  it("names the account of a call that is of no default one", () => {
    labelInvocation("inv_books", "books acct_1");
    const context = { invocationTarget: "payments/processPayment", invocationId: "inv_books" };
    log({ ...metadata("USER", "warn"), context } as unknown as LogMetadata, "It waits.");
    expect(errors.mock.calls).toEqual([["WARN payments/processPayment inv_books of books acct_1: It waits."]]);
  });

  it("names the call that speaks", () => {
    const context = { invocationTarget: "payments/processPayment", invocationId: "inv_1" };
    log({ ...metadata("USER", "warn"), context } as unknown as LogMetadata, "It waits.");
    expect(errors.mock.calls).toEqual([["WARN payments/processPayment inv_1: It waits."]]);
  });

  it("keeps warnings and errors apart from what is said", () => {
    log(metadata("USER", "info"), "It is refunded.");
    log(metadata("USER", "error"), "It is lost.");
    expect(infos.mock.calls).toEqual([["INFO: It is refunded."]]);
    expect(errors.mock.calls).toEqual([["ERROR: It is lost."]]);
  });

  it("adds what is no text as JSON", () => {
    log(metadata("USER", "info"), "Settings:", { pollMs: 3000 }, 7);
    expect(lines()).toEqual(['INFO: Settings: {"pollMs":3000} 7']);
  });

  it("takes everything, and never throws", () => {
    const circle: Record<string, unknown> = {};
    circle["itself"] = circle;
    log(metadata("USER", "info"), "All:", circle, { amount: 109n }, undefined, null, Symbol("s"), () => {});
    expect(lines()[0]).toMatch(/^INFO: All: "\[not JSON\]" \{"amount":"109"\} null/);
  });

  it("gives JSON to what collects logs", () => {
    const context = { invocationTarget: "payments/processPayment", invocationId: "inv_1" };
    createLog("json")({ ...metadata("USER", "warn"), context } as unknown as LogMetadata, "Key sk_live_51Abc.", {
      a: 1,
    });
    const [line] = lines() as string[];
    expect(JSON.parse(line ?? "")).toEqual({
      level: "warn",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      target: "payments/processPayment",
      invocation: "inv_1",
      details: [{ a: 1 }],
      msg: "Key sk_live_[redacted].",
    });
  });

  it.each([
    ["a secret key", "sk_live_51AbcDEF", "sk_live_[redacted]"],
    ["a restricted key", "rk_test_51AbcDEF", "rk_test_[redacted]"],
    ["an organization's key", "sk_org_live_51AbcDEF", "sk_org_live_[redacted]"],
    ["a signing secret", "whsec_MfKQ9r8G+/kr==", "whsec_[redacted]"],
    ["a client secret", "pi_3Abc_secret_XyZ", "pi_3Abc_secret_[redacted]"],
    ["a header", "Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"],
    ["a password in an address", "https://me:hunter2@example.com/x", "https://me:[redacted]@example.com/x"],
  ])("never shows %s, wherever it stands", (_what, secret, shown) => {
    const bug = new TypeError(`a bug\n${secret}`);
    log(metadata("USER", "warn"), `At ${secret}`, { deep: { list: [secret] }, text: `line\n${secret}` }, bug);
    const [line] = lines() as string[];
    expect(line).toContain(`WARN: At ${shown} TypeError: a bug\n${shown}`);
    expect(line).toContain(JSON.stringify({ deep: { list: [shown] }, text: `line\n${shown}` }));
  });

  it("never shows a field whose name says that it is secret", () => {
    const secret = "hunter2";
    const details = { secretKey: secret, config: { clientSecret: secret, headers: { authorization: secret } }, a: 1 };
    log(metadata("USER", "warn"), "Settings:", details);
    expect(lines().join()).not.toContain(secret);
    expect(lines().join()).toContain('"secretKey":"[redacted]"');
    expect(lines().join()).toContain('"a":1');
  });

  it.each([
    "Invalid API Key provided: sk_test_*********1234",
    "rak_payment_intent_read",
    "STRIPE_WEBHOOK_SECRET=",
    "pi_3Abc",
  ])("leaves %s as it is", (text) => {
    log(metadata("USER", "info"), text);
    expect(lines()).toEqual([`INFO: ${text}`]);
  });
});
