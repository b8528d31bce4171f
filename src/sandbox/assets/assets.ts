import { readFileSync } from "node:fs";

/**
 * Every file that the sandbox reads besides its own modules: nothing comes from elsewhere, so that the pages work without a
 * network. A package of the sandbox brings these files along; this is the only file that knows where they are.
 */
const FILES = {
  "parameters.schema.json": () => own("./parameters.schema.json"),
  "sandbox.css": () => own("./sandbox.css"),
  "dashboard.js": () => own("./dashboard.js"),
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

function own(path: string): URL {
  return new URL(path, import.meta.url);
}
