// A browser's database that fails now and then, as browsers' databases do.

import type { Database, Durability, Reader, Writer } from "../../src/database/port.js";
import type { StoreName } from "../../src/database/schema.js";

/** What goes wrong with one transaction. */
export type Fault =
  /** The handle is of no use any more, and nothing was done. */
  | "lost"
  /** It is of no use any more, and all of it was done. */
  | "lostAfter"
  /** From now on there is no room. */
  | "full"
  /** From now on there is room for what a person writes, and not for what comes from the server. */
  | "tight";

/** The database of all tabs of a browser. */
export class Disk implements Database {
  /** What the next transaction comes to. */
  fault: Fault | undefined;
  /** What does not fit any more: everything, or what has pages. */
  lacking: "full" | "tight" | undefined;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async read<T>(stores: readonly StoreName[], work: (tx: Reader) => Promise<T>): Promise<T> {
    const fault = this.#next();
    if (fault === "lost") throw lost();
    const result = await this.#database.read(stores, work);
    if (fault === "lostAfter") throw lost();
    return result;
  }

  async write<T>(
    stores: readonly StoreName[],
    durability: Durability,
    work: (tx: Writer) => Promise<T>,
  ): Promise<T> {
    const fault = this.#next();
    if (fault === "lost") throw lost();
    const isLarge = stores.includes("pages");
    if (this.lacking === "full" || (this.lacking === "tight" && isLarge))
      throw new DOMException("no room", "QuotaExceededError");
    const result = await this.#database.write(stores, durability, work);
    if (fault === "lostAfter") throw lost();
    return result;
  }

  close(): void {}

  #next(): Fault | undefined {
    const { fault } = this;
    this.fault = undefined;
    if (fault === "full" || fault === "tight") this.lacking = fault;
    return fault;
  }
}

function lost(): DOMException {
  return new DOMException("connection to the database was lost", "UnknownError");
}
