/**
 * Builds what `npm pack` puts into the package: `dist`, from the `exports` and `bin` of package.json. `dist/a/b.js` comes from
 * `src/a/b.ts`, bundled with everything but the package's own dependencies, so that whoever installs it installs almost nothing else.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { rolldown, type OutputChunk, type Plugin } from "rolldown";

type Target = string | { readonly types: string; readonly default: string };

const root = resolve(import.meta.dirname, "..");
const dist = join(root, "dist");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly exports: Readonly<Record<string, Target>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
};

async function build(): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  const libraries = Object.values(manifest.exports).filter((target) => typeof target !== "string");
  const scripts = [...libraries.map((target) => target.default), ...Object.values(manifest.bin)];
  const chunks = await bundle(scripts.map((path) => relative("dist", path).replace(/\.js$/, "")));
  writeFileSync(join(dist, "THIRD-PARTY-LICENSES.txt"), licences(chunks));
  declare(libraries.map((target) => relative("dist", target.types)));
}

async function bundle(names: readonly string[]): Promise<readonly OutputChunk[]> {
  const bundled = await rolldown({
    cwd: root,
    input: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
    platform: "node",
    external: Object.keys(manifest.dependencies).map((name) => new RegExp(`^${name}(/|$)`)),
    plugins: [assets],
    onLog: (level, log) => {
      if (level === "warn") throw new Error(log.message);
    },
  });
  const { output } = await bundled.write({
    dir: dist,
    format: "esm",
    sourcemap: true,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
    assetFileNames: "assets/[name][extname]",
  });
  return output.filter((part) => part.type === "chunk");
}

const assetFiles: string[] = [];

/** Files that the code reads, `import.meta.resolve("…")`, come along; what it resolves is then the copy. */
const assets: Plugin = {
  name: "assets",
  transform: {
    filter: { code: "import.meta.resolve(" },
    async handler(code, importer) {
      let text = code;
      for (const [call, , specifier = ""] of code.matchAll(/import\.meta\.resolve\((["'])(.+?)\1\)/g)) {
        const found = await this.resolve(specifier, importer);
        if (found === null) throw new Error(`${importer}: there is no ${specifier}.`);
        assetFiles.push(found.id);
        const file = this.emitFile({ type: "asset", name: basename(found.id), source: readFileSync(found.id) });
        text = text.replace(call, `import.meta.ROLLUP_FILE_URL_${file}`);
      }
      return { code: text, map: null };
    },
  },
};

/** What is bundled is still under its authors' licences, which ask for their text. */
function licences(chunks: readonly OutputChunk[]): string {
  const modules = [...chunks.flatMap((chunk) => chunk.moduleIds), ...assetFiles];
  const folders = modules.map((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0]);
  const texts = [...new Set(folders.filter((folder) => folder !== undefined))].toSorted().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<
      string,
      string
    >;
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? "" : `\n\n${readFileSync(join(folder, file), "utf8").trim()}`;
    return `${name} ${version} (${license})${text}\n`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

/** The compiler declares all of `src`; callers get what the declarations of the entries lead to. */
function declare(entries: readonly string[]): void {
  const all = mkdtempSync(join(tmpdir(), "declarations-"));
  try {
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [compiler, "-p", join(root, "tsconfig.build.json"), "--outDir", all], {
      stdio: "inherit",
    });
    const done = new Set<string>();
    const bring = (file: string): void => {
      if (done.has(file)) return;
      done.add(file);
      // The compiler leaves `.ts` in declarations, where `.js` is what every setting of a caller resolves.
      const text = readFileSync(join(all, file), "utf8").replaceAll(/((?:from|import\()\s*"\.[^"]+)\.ts"/g, '$1.js"');
      mkdirSync(dirname(join(dist, file)), { recursive: true });
      writeFileSync(join(dist, file), text);
      for (const [, path = ""] of text.matchAll(/(?:from|import\()\s*"(\.[^"]+)\.js"/g)) {
        bring(join(dirname(file), `${path}.d.ts`));
      }
    };
    for (const entry of entries) bring(entry);
  } finally {
    rmSync(all, { recursive: true });
  }
}

await build();
