import { readFileSync } from "node:fs";

/**
 * Every file that the sandbox reads besides its own modules: nothing comes from elsewhere, so that the pages work without a
 * network. A package of the sandbox brings these files along; this is the only file that knows where they are.
 */
const FILES = {
  "parameters.schema.json": import.meta.resolve("./parameters.schema.json"),
  "sandbox.css": import.meta.resolve("./sandbox.css"),
  "dashboard.js": import.meta.resolve("./dashboard.js"),
  "pico.css": import.meta.resolve("@picocss/pico/css/pico.min.css"),
  "htmx.js": import.meta.resolve("htmx.org/dist/htmx.min.js"),
} as const;

type AssetName = keyof typeof FILES;

const texts = new Map<AssetName, string>();

/** The file's text, read once. */
export function readAsset(name: AssetName): string {
  const text = texts.get(name) ?? readFileSync(new URL(FILES[name]), "utf8");
  texts.set(name, text);
  return text;
}
