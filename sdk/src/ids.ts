// Client ids: UUIDs of version 7, in the order in which this device made them.

import type { Environment } from "./environment.js";

/** Makes UUIDs of version 7. Two of the same millisecond, or of a clock that went back, still come in order. */
export function makeIds(environment: Environment): () => string {
  let last = 0;
  let counter = 0;
  return () => {
    const now = environment.now();
    if (now > last) {
      last = now;
      counter = 0;
    } else if (counter === 0xfff) {
      last += 1;
      counter = 0;
    } else {
      counter += 1;
    }
    const time = Math.floor(last).toString(16).padStart(12, "0").slice(-12);
    const high = (0x8000 | Math.floor(environment.random() * 0x4000)).toString(16);
    const low = Math.floor(environment.random() * 2 ** 48)
      .toString(16)
      .padStart(12, "0");
    const count = counter.toString(16).padStart(3, "0");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${high}-${low}`;
  };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text has the form of a UUID. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** A user id as the server compares it: those in the form of a UUID are lower-cased. */
export function canonicalUserId(id: string): string {
  return isUuid(id) ? id.toLowerCase() : id;
}
