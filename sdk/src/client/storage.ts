// Where a client keeps things, and how its tabs find each other.

import { deleteIndexedDb, openIndexedDb } from "../database/indexeddb.js";
import { MemoryDatabase } from "../database/memory.js";
import type { Database } from "../database/port.js";
import { type KeptIn, ResilientDatabase } from "../database/resilient.js";
import { type Observable, Value } from "../emitter.js";
import type { Environment } from "../environment.js";
import { tabsOfDisk } from "../tabs/apart.js";
import { browserTabs } from "../tabs/browser.js";
import { alone, type Tabs } from "../tabs/port.js";

/** What is opened for one account. */
export interface OpenStorage {
  readonly database: Database;
  readonly tabs: Tabs;
  readonly keptIn: Observable<KeptIn>;
}

/** Where things are kept. */
export interface Storage {
  /** Opens what is kept for an account; other accounts are apart. */
  open(account: string, environment: Environment): OpenStorage;
  /** Removes everything of an account. */
  remove(account: string): Promise<void>;
}

/** In memory: gone with the page or program. */
export function memoryStorage(): Storage {
  return {
    open: () => ({
      database: new MemoryDatabase(),
      tabs: alone(),
      keptIn: new Value<KeptIn>({ type: "memory", reason: "chosen" }),
    }),
    remove: async () => {},
  };
}

/**
 * In the browser: IndexedDB, shared by all tabs of the account. Where that does not work, in memory; `client.keptIn` tells.
 */
export function browserStorage(): Storage {
  return {
    open(account, environment) {
      const name = nameOf(account);
      const open = (onLost: () => void) => openIndexedDb(name, onLost);
      const database = new ResilientDatabase(open, environment);
      const { keptIn } = database;
      return { database, tabs: tabsOfDisk(browserTabs(name, environment), keptIn), keptIn };
    },
    remove: (account) => deleteIndexedDb(nameOf(account)),
  };
}

function nameOf(account: string): string {
  return `semel:${account}`;
}
