/**
 * Asks again until there is an answer. Trials run in company, on machines that have other things to do: what is slow isn't
 * wrong, so only the time limit of the whole run is shorter.
 */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, intervalMs = 50): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`Waited ${patienceMs / 1000} s in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}

const patienceMs = 120_000;

/** Asks over HTTP; undefined where no answer came, so that it is asked again. */
export async function orNoAnswer<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await ask();
  } catch (error) {
    // A timeout, or a connection that was lost.
    if (error instanceof DOMException || error instanceof TypeError) return undefined;
    throw error;
  }
}
