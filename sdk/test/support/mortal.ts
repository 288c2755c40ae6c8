// A device in Node that can die without a goodbye: what it kept stays, nothing else of it happens any more.

import { type Client, createClient } from "../../src/client/client.js";
import type { Storage } from "../../src/client/storage.js";
import type { Database, Durability, Reader, Writer } from "../../src/database/port.js";
import type { KeptIn } from "../../src/database/resilient.js";
import type { StoreName } from "../../src/database/schema.js";
import { Value } from "../../src/emitter.js";
import type { Link, Network } from "../../src/network/port.js";
import { sockets } from "../../src/network/sockets.js";
import { alone } from "../../src/tabs/port.js";
import type { Witness } from "../../src/witness.js";
import { tokenOf } from "./server.js";

/** One life of a device. */
export class Life {
  readonly client: Client;
  #isDead = false;
  readonly #links = new Set<Link>();

  constructor(url: string, userId: string, kept: Database, witness?: Witness) {
    const storage: Storage = {
      open: () => ({
        database: this.#mortal(kept),
        tabs: alone(),
        keptIn: new Value<KeptIn>({ type: "disk" }),
      }),
      remove: async () => {},
    };
    this.client = createClient({
      url,
      userId,
      auth: () => tokenOf(userId),
      storage,
      network: this.#network(sockets(url)),
      ...(witness === undefined ? {} : { witness }),
    });
  }

  /** As `kill -9`. */
  die(): void {
    this.#isDead = true;
    for (const link of this.#links) link.close();
  }

  async #gate(): Promise<void> {
    if (this.#isDead) await new Promise(() => {});
  }

  #network(real: Network): Network {
    return {
      call: async (token, call) => {
        await this.#gate();
        return real.call(token, call);
      },
      connect: async (credentials, listener) => {
        await this.#gate();
        const link = await real.connect(credentials, {
          event: (name, data) => (this.#isDead ? undefined : listener.event(name, data)),
          closed: () => (this.#isDead ? undefined : listener.closed()),
        });
        this.#links.add(link);
        if (this.#isDead) link.close();
        return {
          ask: async (name, data) => {
            await this.#gate();
            const ask = link.ask(name, data);
            const answer = await ask.catch(async (error: unknown) => {
              await this.#gate();
              throw error;
            });
            await this.#gate();
            return answer as never;
          },
          close: () => link.close(),
        };
      },
    };
  }

  #mortal(kept: Database): Database {
    const gate = () => this.#gate();
    return {
      async read<T>(stores: readonly StoreName[], work: (tx: Reader) => Promise<T>) {
        await gate();
        const result = await kept.read(stores, work);
        await gate();
        return result;
      },
      async write<T>(
        stores: readonly StoreName[],
        durability: Durability,
        work: (tx: Writer) => Promise<T>,
      ) {
        await gate();
        const result = await kept.write(stores, durability, work);
        await gate();
        return result;
      },
      close() {},
    };
  }
}
