// How long to wait before trying again: full jitter, so that not all devices come back at once.

/** Between which pauses, in milliseconds. */
export interface Backoff {
  readonly first: number;
  readonly longest: number;
}

/** Before connecting again. */
export const CONNECT_BACKOFF: Backoff = { first: 500, longest: 30_000 };
/** Before sending again what was refused for now. */
export const SEND_BACKOFF: Backoff = { first: 500, longest: 60_000 };
/** The longest wait that a server may ask for, in milliseconds. */
export const SERVER_WAIT_MAX = 3_600_000;

/** A random pause that grows with the number of failures in a row before it. */
export function backoff(of: Backoff, failures: number, random: number): number {
  const longest = Math.min(of.longest, of.first * 2 ** Math.min(failures, 16));
  return Math.floor(random * longest);
}

/** The wait that a server asked for, or a random one. A little is added so that a crowd spreads. */
export function waitFor(
  asked: number | null | undefined,
  of: Backoff,
  failures: number,
  random: number,
): number {
  if (asked === null || asked === undefined) return backoff(of, failures, random);
  return Math.min(asked, SERVER_WAIT_MAX) + Math.floor(random * of.first);
}
