#!/usr/bin/env node
/** `stripe-sandbox`, the command of the package: what `npm run sandbox` is in this repository. */
import "./requireNode.mjs";

// Imported late: an old Node would fail to load it before it could be told why.
await import("./sandbox.ts");
