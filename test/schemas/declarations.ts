/**
 * The type declarations of the installed `stripe` package, which Stripe generates from its API's specification, read with
 * TypeScript's own compiler. Only the operations of the client are listed; whatever they name can be looked up.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import {
  type InterfaceDeclaration,
  isClassDeclaration,
  isInterfaceDeclaration,
  isMethodDeclaration,
  isTypeAliasDeclaration,
  type Node,
  type TypeAliasDeclaration,
  type TypeNode,
} from "typescript/unstable/ast";
import { API, type Project, type Symbol, SymbolFlags } from "typescript/unstable/sync";

/** One method of the client: what it takes, if anything, and what it promises. */
export type Operation = { readonly params: TypeNode | null; readonly answer: TypeNode };
/** A name, unique in the package, and what it was declared as. */
export type Declared = { readonly id: string; readonly node: InterfaceDeclaration | TypeAliasDeclaration };

export const PACKAGE_FOLDER = dirname(dirname(createRequire(import.meta.url).resolve("stripe")));
const RESOURCES = join(PACKAGE_FOLDER, "esm/resources");

export class Declarations {
  readonly #api: API;
  readonly #project: Project;

  constructor() {
    this.#api = new API({ cwd: PACKAGE_FOLDER });
    const entry = join(PACKAGE_FOLDER, "esm/stripe.core.d.ts");
    const [project] = this.#api.updateSnapshot({ openFiles: [entry] }).getProjects();
    if (project === undefined) throw new Error(`There are no declarations at ${entry}.`);
    this.#project = project;
  }

  close(): void {
    this.#api.close();
  }

  /** Every operation of the first version's API, by `METHOD /path/:id`. */
  operations(): ReadonlyMap<string, Operation> {
    const found = new Map<string, Operation>();
    for (const file of this.#project.program.getSourceFileNames()) {
      if (!file.startsWith(RESOURCES) || file.includes("/V2/") || file.endsWith("/index.d.ts")) continue;
      const urls = readUrls(file.replace(/\.d\.ts$/, ".js"));
      const classes = this.#project.program.getSourceFile(file)?.statements.filter(isClassDeclaration) ?? [];
      for (const method of classes.flatMap(({ members }) => members.filter(isMethodDeclaration))) {
        const params = method.parameters.find(({ name }) => name.getText() === "params")?.type ?? null;
        for (const url of urls.get(method.name.getText()) ?? []) {
          if (method.type !== undefined && !found.has(url)) found.set(url, { params, answer: method.type });
        }
      }
    }
    return found;
  }

  /** What a name that stands in a type was declared as. */
  find(name: Node): Declared {
    const { checker } = this.#project;
    const symbol = checker.getSymbolAtLocation(name);
    if (symbol === undefined) throw new Error(`Nothing is known of ${name.getText()}.`);
    const target = (symbol.flags & SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
    for (const handle of target.declarations) {
      const node = handle.resolve(this.#project);
      if (node !== undefined && (isInterfaceDeclaration(node) || isTypeAliasDeclaration(node))) {
        return { id: qualifiedName(target, node), node };
      }
    }
    throw new Error(`${name.getText()} is neither an interface nor another name for a type.`);
  }

  /** What a file of the package declares under a name. */
  findIn(file: string, name: string): Declared {
    for (const node of this.#project.program.getSourceFile(join(PACKAGE_FOLDER, "esm", file))?.statements ?? []) {
      const isNamed = isInterfaceDeclaration(node) || isTypeAliasDeclaration(node);
      if (isNamed && node.name.getText() === name) return { id: name, node };
    }
    throw new Error(`${file} declares no ${name}.`);
  }
}

/** `Checkout.Session.Status`: namespaces and, where they don't tell, the folder. */
function qualifiedName(symbol: Symbol, node: Node): string {
  const names: string[] = [];
  for (let one: Symbol | undefined = symbol; one !== undefined && !one.name.startsWith('"'); one = one.getParent()) {
    names.unshift(one.name);
  }
  const folder = relative(RESOURCES, dirname(node.getSourceFile().fileName)).replaceAll("/", ".");
  if (folder !== "" && !folder.startsWith(".") && names[0] !== folder) names.unshift(folder);
  return names.join(".");
}

/** The addresses that a resource's methods call are in its code: `this._makeRequest('POST', '/v1/refunds', …)`. */
function readUrls(file: string): ReadonlyMap<string, string[]> {
  const urls = new Map<string, string[]>();
  let method = "";
  for (const line of readFileSync(file, "utf8").split("\n")) {
    method = /^ {4}(\w+)\(.*\) \{$/.exec(line)?.[1] ?? method;
    const [, verb, path] = /_makeRequest\('([A-Z]+)', ['`]([^'`]+)['`]/.exec(line) ?? [];
    if (verb === undefined || path === undefined) continue;
    const url = `${verb} ${path.replaceAll(/\$\{[^}]*\}/g, ":id")}`;
    urls.set(method, [...(urls.get(method) ?? []), url]);
  }
  return urls;
}
