/**
 * Settings that change without a restart: they are read again and again, and count as soon as they can be used. Settings that can't be
 * used leave those in use that were read before: a slip of an editor must stop nobody.
 */

/** One look: settings with an equal mark are the same, and are not read again. */
export type Look<Value> = {
  readonly mark: string;
  /** @throws what is wrong with them */
  read(): Value;
};

export type Watched<Value> = {
  /** As they were when they could last be used. */
  current(): Value;
  /** Stops looking. */
  close(): void;
};

/**
 * Files are looked at, and compared as texts. Neither a replaced file, nor a link that turns, nor two changes within one tick of the
 * file system's clock is missed so, as events and times of changes would miss them.
 * @param look throws where there is nothing to read
 * @param onProblem is told of each problem, once per change
 * @throws what `look` or its `read` throws the first time
 */
export function watch<Value>(
  look: () => Look<Value>,
  { everyMs, onProblem }: { readonly everyMs: number; onProblem(error: unknown): void },
): Watched<Value> {
  const first = look();
  let value = first.read();
  let seen = `read ${first.mark}`;

  function lookAgain(): void {
    const now = tried(look);
    const mark = now.isRead ? `read ${now.value.mark}` : `failed ${String(now.error)}`;
    if (mark === seen) return;
    seen = mark;
    const read = now.isRead ? tried(() => now.value.read()) : now;
    if (read.isRead) value = read.value;
    else onProblem(read.error);
  }
  const timer = setInterval(lookAgain, everyMs).unref();

  return { current: () => value, close: () => clearInterval(timer) };
}

type Tried<Value> =
  | { readonly isRead: true; readonly value: Value }
  | { readonly isRead: false; readonly error: unknown };

function tried<Value>(work: () => Value): Tried<Value> {
  try {
    return { isRead: true, value: work() };
  } catch (error) {
    return { isRead: false, error };
  }
}
