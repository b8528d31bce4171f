import { readFileSync } from "node:fs";

/**
 * Every file that the sandbox reads besides its own modules: nothing comes from elsewhere, so that the pages work without a
 * network. The package that brings the sandbox copies each file that is resolved here; no other file knows where they are.
 */
const FILES = {
  "parameters.schema.json": () => new URL(import.meta.resolve("./parameters.schema.json")),
  "sandbox.css": () => new URL(import.meta.resolve("./sandbox.css")),
  "dashboard.js": () => new URL(import.meta.resolve("./dashboard.js")),
  "pico.css": () => new URL(import.meta.resolve("@picocss/pico/css/pico.min.css")),
  "htmx.js": () => new URL(import.meta.resolve("htmx.org/dist/htmx.min.js")),
} as const satisfies Readonly<Record<string, () => URL>>;

type AssetName = keyof typeof FILES;

const texts = new Map<AssetName, string>();

/** The file's text, read once, when it is first asked for. */
export function readAsset(name: AssetName): string {
  const text = texts.get(name) ?? readFileSync(FILES[name](), "utf8");
  texts.set(name, text);
  return text;
}
