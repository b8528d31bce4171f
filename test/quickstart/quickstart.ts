/**
 * `npm run quickstart`: follows the README, and then the guide, as a newcomer does. Clones the last commit, installs and starts by the
 * README's own commands, runs every `curl` to the service word for word and compares the answers with the ones that are shown (… stands
 * for anything), then the CLI, the demo and a restart. Needs the default ports, because the README names them.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "quickstart-"));
const clone = join(folder, "restate-stripe-payments");

/** A newcomer's environment: no Stripe key, no settings of ours, no npm script around. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(STRIPE|RESTATE|EDGE|API_KEYS_FILE|TRUST_PROXY|PAYMENT|SANDBOX|NOTIFY|IDEMPOTENCY|REFERENCE|RECONCILE|WEBHOOK_URL|DATA_DIR|PORT$|npm_)/.test(
        name,
      ),
  ),
);

type Block = { readonly language: string; readonly text: string };

async function quickstart(): Promise<void> {
  run(`git clone --quiet ${process.cwd()} ${clone}`, process.cwd());
  step("cloned", firstLine(run("git log -1 --oneline")));
  const readme = blocksOf("README.md");
  const [install, startCommand] = installAndStart(readme);
  run(install);
  step(`installed by ${install}`);
  const installedAt = performance.now();

  let app = await start(startCommand);
  process.once("exit", () => app.kill());
  let first = true;
  const guide = blocksOf("docs/guide.md");
  for (const commands of [readme, guide].map((blocks) => blocks.filter(isCall))) {
    if (commands.length === 0) throw new Error("A document shows no call: is it still the one to follow?");
  }
  const blocks = [...readme, ...guide];
  for (const [index, block] of blocks.entries()) {
    if (!isCall(block)) continue;
    const answer = await runCurls(block.text);
    const shown = blocks[index + 1];
    if (shown?.language === "json") expectLike(answer, shown.text);
    else if (!/"status":"succeeded"/.test(answer)) throw new Error(`Expected a success, got: ${answer}`);
    step(block.text.split("\n")[0]?.slice(0, 150) ?? "", answer.trim());
    if (first) step(`first outcome ${seconds(installedAt)} after the install finished`);
    first = false;
  }

  for (const command of ["npx restate inv list --service payments", "npx restate inv cancel <id>"]) {
    if (!guide.some(({ text }) => text.split("\n").includes(command))) throw new Error(`The guide lacks: ${command}`);
  }
  const waiting = spawn("sh", ["-c", debit("pm_usBankAccount_processing", "quickstart-waiting")], { cwd: clone });
  const answered = textOf(waiting);
  const id = await eventually(async () => /inv_\w+/.exec(run("npx restate inv list --service payments"))?.[0]);
  step("npx restate inv list --service payments", id);
  run(`npx restate inv cancel --yes ${id}`);
  expectLike(await answered, '"reason":"canceled"');
  step("npx restate inv cancel <id>", (await answered).trim());

  const demo = run("npm run demo");
  if (!/\b(\d+) of \1 payments came out as they must\./.test(demo)) throw new Error(`The demo failed:\n${demo}`);
  step("npm run demo, beside npm start", `\n${demo.trim()}`);

  const sent = run(`${debit("pm_usBankAccount_success", "quickstart-restart")} -H 'prefer: respond-async'`);
  const callId = callIdIn(sent);
  await stop(app);
  app = await start(startCommand);
  const outcome = await outcomeOf(`curl 127.0.0.1:8080/calls/${callId}`);
  expectLike(outcome, '"status":"succeeded"');
  step("stopped while a payment waited, started again: it settled", outcome.trim());
  await stop(app);
}

function debit(paymentMethodId: string, key: string): string {
  const body = JSON.stringify({ paymentMethodId, amount: 2500, mandate: { type: "offline" } });
  return `curl -s 127.0.0.1:8080/payments/processPayment -H 'content-type: application/json' -H 'idempotency-key: ${key}' -d '${body}'`;
}

/** The commands of one block in turn; what one answers as callId is what the next means by `<callId>`. */
async function runCurls(commands: string): Promise<string> {
  let answer = "";
  for (const line of commands.split("\n").filter((each) => each.trim() !== "")) {
    const command = line.trim();
    answer = command.includes("<callId>")
      ? await outcomeOf(command.replace("<callId>", callIdIn(answer)))
      : run(command.replace(/^curl /, "curl -s "));
  }
  return answer;
}

function callIdIn(answer: string): string {
  const id = /"callId":\s*"([^"]+)"/.exec(answer)?.[1];
  if (id === undefined) throw new Error(`Expected a callId, got: ${answer}`);
  return id;
}

/** Asks until the call has ended: 202 until then. */
async function outcomeOf(command: string): Promise<string> {
  return await eventually(async () => {
    const answer = run(command.replace(/^curl /, "curl -s -w '\\n%{http_code}' "));
    return answer.endsWith("\n202") ? undefined : answer.replace(/\n\d+$/, "");
  });
}

/** The first command of the README, in its two halves: a newcomer reads `npm ci && npm start`. */
function installAndStart(readme: readonly Block[]): readonly [string, string] {
  const [install, startCommand, ...others] =
    readme.find(({ language }) => language === "shell")?.text.split(" && ") ?? [];
  if (install === undefined || startCommand === undefined || others.length > 0)
    throw new Error("The README does not begin with a command that installs and starts.");
  return [install, startCommand];
}

function isCall({ language, text }: Block): boolean {
  return language === "shell" && text.startsWith("curl 127.0.0.1:8080");
}

function blocksOf(document: string): readonly Block[] {
  const markdown = readFileSync(join(clone, document), "utf8");
  return [...markdown.matchAll(/^ *```(\w*)\n([\s\S]*?)^ *```/gm)].map(([, language = "", text = ""]) => ({
    language,
    text: text.trim(),
  }));
}

/** Compares an answer with the one that the document shows, piece by piece between the ellipses. */
function expectLike(answer: string, shown: string): void {
  let from = 0;
  for (const piece of shown.trim().split("…")) {
    const at = answer.indexOf(piece, from);
    if (at < 0) throw new Error(`Expected\n  ${shown.trim()}\ngot\n  ${answer}`);
    from = at + piece.length;
  }
}

/** To be stopped if a step fails. */
const running = new Set<ChildProcess>();

async function start(command: string): Promise<ChildProcess> {
  const startedAt = performance.now();
  const app = spawn("sh", ["-c", `exec ${command}`], {
    cwd: clone,
    env: environment,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [app.stdout, app.stderr]) stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await eventually(async () => {
    if (app.exitCode !== null) throw new Error(`${command} ended with ${app.exitCode}:\n${output}`);
    return output.includes("Ctrl-C") ? true : undefined;
  });
  running.add(app);
  app.once("exit", () => running.delete(app));
  step(`${command}, ready after ${seconds(startedAt)}`);
  return app;
}

async function stop(app: ChildProcess): Promise<void> {
  // Ctrl-C goes to everybody in the terminal's foreground.
  const exited = once(app, "exit");
  if (app.pid !== undefined) process.kill(-app.pid, "SIGINT");
  await exited;
}

async function textOf(child: ChildProcess): Promise<string> {
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(child, "close");
  return text;
}

function run(command: string, cwd: string = clone): string {
  return execFileSync("sh", ["-c", command], {
    cwd,
    env: environment,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = performance.now() + 60_000; ;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error("Waited a minute in vain.");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

function step(what: string, result = ""): void {
  console.log(`✓ ${what}${result === "" ? "" : `\n    ${result}`}`);
}

try {
  await quickstart();
  console.log("\nThe README and the guide are true.");
} catch (error) {
  const stderr = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
  console.error(`✗ ${String(error).slice(0, 2000)}\n${stderr.slice(-2000)}`);
  process.exitCode = 1;
  await Promise.all([...running].map(stop));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
