/**
 * Ends the program, with a word about it, on a Node that can't run it. It is JavaScript because it has to run there:
 * 22.18 is the first Node that takes TypeScript and has SQLite without a flag.
 */
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`This needs Node 22.18 or newer; ${process.execPath} is ${process.version}.`);
  process.exit(1);
}
