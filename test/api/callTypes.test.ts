import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const caller = `
import type {
  AwaitPaymentRequest, PaymentFailureBody, PaymentOutcome, ProcessPaymentRequest, SetupOutcome,
} from "restate-stripe-payments";
export const waits: AwaitPaymentRequest[] = [{ paymentIntentId: "pi_1", timeoutSeconds: 60 }, { reference: "order-1" }];
const request: ProcessPaymentRequest = { paymentMethodId: "pm_card_visa", amount: 109 };
export const told = (outcome: PaymentOutcome): string =>
  outcome.status === "requires_action" ? (outcome.nextAction.redirectUrl ?? "") : outcome.status + request.amount;
export const shown = (setup: SetupOutcome): string => {
  if (setup.status === "succeeded") return setup.mandateId ?? setup.paymentMethodId;
  const action = setup.nextAction;
  if (action.type === "boleto_display_details") return action.number + (action.pdfUrl ?? "");
  return action.type === "display_bank_transfer_instructions" ? (action.reference ?? "") : (action.redirectUrl ?? "");
};
export const why = (failure: PaymentFailureBody): string => failure.metadata?.reason ?? failure.message;
`;

const receiver = `
import type { PaymentNotification } from "restate-stripe-payments/notifications";
export const told = (notification: PaymentNotification): string => {
  switch (notification.type) {
    case "payment.succeeded":
      return notification.data.metadata["orderId"] + notification.data.amountReceived;
    case "refund.failed":
      return notification.data.failureReason ?? notification.data.refundId;
    case "payment.fraud_warning":
      return notification.data.fraudType;
    default:
      return notification.id;
  }
};
`;

/** A caller's project with settings of its own, and of our libraries only what the package brings: zod. */
describe("the types for callers", () => {
  const folder = mkdtempSync(join(tmpdir(), "caller-"));
  const installed = join(folder, "node_modules/restate-stripe-payments");
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeAll(() => {
    mkdirSync(installed, { recursive: true });
    const settings = {
      extends: resolve("tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        rootDir: resolve("src"),
        outDir: installed,
        typeRoots: [resolve("node_modules/@types")],
      },
      include: [],
      files: [resolve("src/api/callTypes.ts"), resolve("src/notifications/contract.ts")],
    };
    const settingsFile = join(folder, "tsconfig.types.json");
    writeFileSync(settingsFile, JSON.stringify(settings));
    execFileSync(resolve("node_modules/.bin/tsc"), ["-p", settingsFile]);
    const exports = { ".": "./api/callTypes.d.ts", "./notifications": "./notifications/contract.d.ts" };
    const manifest = { name: "restate-stripe-payments", type: "module", exports };
    writeFileSync(join(installed, "package.json"), JSON.stringify(manifest));
    symlinkSync(resolve("node_modules/zod"), join(folder, "node_modules/zod"));
  });

  function compile(source: string): string {
    const compilerOptions = { target: "es2020", module: "nodenext", strict: true, noEmit: true, types: [] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["caller.ts"] }));
    writeFileSync(join(folder, "caller.ts"), source);
    try {
      execFileSync(resolve("node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
      return "";
    } catch (error) {
      return error instanceof Error && "stdout" in error ? String(error.stdout) : String(error);
    }
  }

  it("compile in another project", () => {
    expect(compile(caller)).toBe("");
  });

  it("compile in a receiver of notifications", () => {
    expect(compile(receiver)).toBe("");
  });

  it("know which notification has which data", () => {
    const wrong = receiver.replace("notification.data.amountReceived", "notification.data.refundId");
    expect(compile(wrong)).toContain("refundId");
  });

  it.each([
    ["a misspelt field", "amount: 109", "amuont: 109", "amuont"],
    ["a payment by no name", '{ reference: "order-1" }', "{}", "AwaitPaymentRequest"],
    ["a payment by two names", "timeoutSeconds: 60", 'reference: "order-1"', "reference"],
  ])("refuse %s, as the service would", (_what, right, wrong, said) => {
    expect(compile(caller.replace(right, wrong))).toContain(said);
  });
});
