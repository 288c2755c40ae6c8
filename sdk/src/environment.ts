// Time and randomness, as arguments: tests bring their own.

/** Takes a timer back. */
export type Cancel = () => void;

/** What the SDK needs of the machine. */
export interface Environment {
  /** Wall clock, in milliseconds since 1970. It may jump; it never orders anything. */
  now(): number;
  /** A clock that never goes back, in milliseconds. */
  monotonic(): number;
  /** Calls back once, after some milliseconds. */
  after(milliseconds: number, work: () => void): Cancel;
  /** From 0 to less than 1. */
  random(): number;
}

/** The real one. */
export const systemEnvironment: Environment = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(milliseconds, work) {
    const timer = setTimeout(work, milliseconds);
    return () => clearTimeout(timer);
  },
  random: () => {
    const words = crypto.getRandomValues(new Uint32Array(2));
    return ((words[0] ?? 0) >>> 5) / 2 ** 27 + ((words[1] ?? 0) >>> 6) / 2 ** 53;
  },
};

/** Resolves after some milliseconds. */
export function pause(environment: Environment, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    environment.after(milliseconds, resolve);
  });
}
