/** `npm run planted [-- --seed n]`: makes each planted fault in a copy of the code, and prints which rule of money catches it. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { catchFault, plantedFaults } from "./plantedFaults.ts";

const { values } = parseArgs({ options: { seed: { type: "string" } } });
const seed = values.seed === undefined ? randomInt(2 ** 30) : Number(values.seed);

console.info(`seed ${seed}`);
for (const fault of plantedFaults) {
  const { broken, unplanted } = await catchFault(fault, { seed });
  const isCaught = broken.has(fault.rule);
  if (!isCaught) process.exitCode = 1;
  const rules = [...broken].map(([rule, times]) => `${rule} ×${times}`).join(", ") || "nothing";
  console.info(`${isCaught ? "✓" : "✗"} ${fault.name}: broken ${rules}`);
  if (unplanted !== null) console.info(`  The code was left as it is: ${unplanted}`);
}
