// Waiting on conditions, never on time alone.

/** Polls until `condition` answers something; fails with `what` after the deadline, in milliseconds. */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  deadline = 15_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const end = Date.now() + deadline;
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<Exclude<T, false>>;
    if (Date.now() > end) throw new Error(`waited ${deadline} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
