/** Whether a new key is of a merchant that the edge knows. The edge reads the merchants file in full; here only the ids in it count. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { defaultMerchant } from "../../merchants/rules.ts";

const idsShape = z.object({ merchants: z.array(z.object({ id: z.string() })) });

/**
 * What is to be said about a key's merchant; null for one that is there, and where there is no file to look at.
 * @param path of `MERCHANTS_FILE`; null where it is unset
 */
export function unknownMerchantWarning(merchant: string, path: string | null): string | null {
  if (merchant === defaultMerchant || path === null) return null;
  const ids = merchantIdsIn(path);
  if (ids === null)
    return `MERCHANTS_FILE ${path} can't be read, so nobody knows whether it has a merchant ${merchant}.`;
  if (ids.includes(merchant)) return null;
  return `MERCHANTS_FILE ${path} has no merchant ${merchant}: the edge refuses the key until it has.`;
}

/** Null for a file that can't be read, or is none of merchants. */
function merchantIdsIn(path: string): readonly string[] | null {
  try {
    return idsShape.parse(JSON.parse(readFileSync(path, "utf8"))).merchants.map(({ id }) => id);
  } catch {
    return null;
  }
}
