/** Where secrets are looked for, and which must not be where. */
import type { Canaries } from "./canaries.ts";
import type { Cast } from "./cast.ts";
import { bytesOf } from "./engineRecord.ts";
import type { SearchedPlace } from "./records.ts";
import type { SandboxFile } from "./sandboxRecord.ts";
import { contentsOf, filesUnder, search, type Wanted } from "./secretSearch.ts";

/** A client secret is an object's id, this, and a random end. */
export const clientSecretMark = "_secret_";

/**
 * The one kind of entry in the journal that may hold a client secret, in the address of a page: the answer that sends a customer
 * to it. RELIABILITY.md says for how long.
 */
const isAnswerToCustomer = `(sys_journal.entry_type = 'Command: Output' and sys_invocation.target_service_name = 'payments'
  and sys_invocation.target_handler_name in ('processPayment', 'setupPaymentMethod', 'getPayment'))`;
const journalEntries =
  "select sys_journal.id, sys_journal.name, sys_journal.raw from sys_journal left join sys_invocation on sys_invocation.id = sys_journal.id where";

/** The entries of the journal that may hold no client secret, and those that may. */
export const entriesWithoutPages = `${journalEntries} ${isAnswerToCustomer} is not true`;
export const answersToCustomers = `${journalEntries} ${isAnswerToCustomer}`;

function keysOf({ merchants }: Pick<Cast, "merchants">, canaries: Canaries): Wanted {
  const ofMerchants = merchants.flatMap(({ id, secretKey, webhookSecrets }) => [
    [`API key of ${id}`, secretKey],
    ...webhookSecrets.map((secret, index) => [`signing secret ${index + 1} of ${id}`, secret]),
  ]);
  const ofReceivers = Object.entries(canaries.merchants).map(([id, { notifySecret }]) => [
    `secret of the notifications of ${id}`,
    notifySecret,
  ]);
  return {
    ...(Object.fromEntries([...ofMerchants, ...ofReceivers]) as Wanted),
    "secret of edge and service": canaries.edgeSecret,
  };
}

/**
 * What can be asked while engine and sandbox run: the journal, the calls, the state, and Stripe's metadata.
 * @param sent whether any call answered that a customer has to act, so that a search which sees no client secret is blind
 */
export async function searchLiving(
  cast: Cast,
  sandbox: SandboxFile,
  canaries: Canaries,
  marker: string,
  sent: boolean,
): Promise<readonly SearchedPlace[]> {
  const { adminUrl } = cast;
  const journaled = {
    ...keysOf(cast, canaries),
    "client secret": clientSecretMark,
    "webhook's header": canaries.webhookHeader,
  };
  // The engine keeps the headers of a call with its input, so a caller's own is in the journal and nowhere else.
  const secrets = { ...journaled, "caller's header": canaries.callerHeader };
  return [
    await search("journal", bytesOf(adminUrl, entriesWithoutPages), { secrets: journaled, marker, isHex: true }),
    await search("answers to customers", bytesOf(adminUrl, answersToCustomers), {
      secrets: { ...keysOf(cast, canaries), "webhook's header": canaries.webhookHeader },
      marker: sent ? clientSecretMark : null,
      isHex: true,
    }),
    await search("calls", bytesOf(adminUrl, "select * from sys_invocation"), { secrets, marker, isHex: true }),
    await search("state", bytesOf(adminUrl, "select * from state"), { secrets, marker: null, isHex: true }),
    await search("metadata", sandbox.metadata(), { secrets, marker }),
  ];
}

/** What lies on disk once everything has stopped. The engine's files may be compressed: then a search sees little. */
export async function searchFiles(cast: Cast, canaries: Canaries, marker: string): Promise<readonly SearchedPlace[]> {
  const logs = {
    ...keysOf(cast, canaries),
    "client secret": clientSecretMark,
    "webhook's header": canaries.webhookHeader,
  };
  const secrets = { ...logs, "caller's header": canaries.callerHeader };
  const data = (await filesUnder(cast.engineDir)).filter((path) => !cast.logFiles.includes(path));
  return [
    await search("logs", contentsOf(cast.logFiles), { secrets, marker: null }),
    await search("engine's data directory", contentsOf(data), { secrets: keysOf(cast, canaries), marker }),
  ];
}
