/** Has the engine enough files for its connections? Without one for a new connection it ends. */
import { connectionsWithin, goodFileLimit, lowFileLimit, type FileLimit } from "../../engine/openFiles.ts";
import { ok, warning, type Finding } from "./finding.ts";

const check = "open files";

const remedy = `Raise the limit where the engine is started, and restart it: LimitNOFILE=${goodFileLimit} (systemd), nofile in /etc/security/limits.conf (a login), --ulimit nofile=${goodFileLimit} (Docker)`;

/** @param seen null for an engine on another machine, undefined where this system doesn't tell */
export function judgeOpenFiles(seen: FileLimit | null | undefined): Finding {
  if (seen === null || seen === undefined) {
    return ok(
      check,
      `The engine's limit of open files can't be seen from here; every connection takes one, so give it LimitNOFILE=${goodFileLimit}.`,
    );
  }
  const { limit, pid, open } = seen;
  const who = pid === null ? "A process on this machine" : `The engine (process ${pid})`;
  const has = `${who} may open ${limit === Number.POSITIVE_INFINITY ? "any number of" : limit} files`;
  if (open !== null && open > limit * nearlyAll) {
    return warning(check, `${has}, and has ${open} open: at the limit it ends, and everything stops.`, remedy);
  }
  if (limit >= lowFileLimit) return ok(check, `${has}; every connection takes one.`);
  return warning(
    check,
    `${has}, and every connection takes one: about ${connectionsWithin(limit)} connections at once, be they slow or idle, end the engine.`,
    remedy,
  );
}

const nearlyAll = 0.8;
