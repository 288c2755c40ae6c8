// A browser profile: a database that outlives tabs, a lock, a channel, and tabs that crash and freeze.

import { type Client, createClient } from "../../src/client/client.js";
import type { Storage } from "../../src/client/storage.js";
import { MemoryDatabase } from "../../src/database/memory.js";
import type { Database, Durability, Reader, Writer } from "../../src/database/port.js";
import { ResilientDatabase } from "../../src/database/resilient.js";
import type { StoreName } from "../../src/database/schema.js";
import type { Environment } from "../../src/environment.js";
import { tabsOfDisk } from "../../src/tabs/apart.js";
import type { News } from "../../src/tabs/news.js";
import type { Lead, SharedTabs } from "../../src/tabs/port.js";
import type { Witness } from "../../src/witness.js";
import type { Clock } from "./clock.js";
import { Disk } from "./disk.js";
import { ModelNetwork } from "./network.js";
import type { ModelServer } from "./server.js";

/** What the tabs of one browser share. */
export class Profile {
  readonly user_id: string;
  readonly tabs: Tab[] = [];
  readonly database = new MemoryDatabase();
  readonly disk = new Disk(this.database);
  leader: FakeTabs | undefined;
  readonly #server: ModelServer;
  readonly #clock: Clock;
  readonly #random: () => number;
  /** By how many milliseconds its clock is wrong. */
  skew: number;
  #made = 0;

  constructor(server: ModelServer, clock: Clock, user_id: string, random: () => number, skew = 0) {
    this.#server = server;
    this.#clock = clock;
    this.user_id = user_id;
    this.#random = random;
    this.skew = skew;
  }

  /** Opens a tab. */
  open(witness?: Witness): Tab {
    this.#made += 1;
    const tab = new Tab(this, this.#server, this.#clock, this.#random, this.#made, witness);
    this.tabs.push(tab);
    void tab.client.start();
    return tab;
  }

  /** Whoever waits for the lock gets it, the longest-waiting first. */
  elect(): void {
    if (this.leader !== undefined) return;
    for (const { isAlive, fakeTabs } of this.tabs) {
      if (isAlive && fakeTabs.lead()) return;
    }
  }

  tell(from: FakeTabs, news: News): void {
    for (const tab of this.tabs) {
      if (tab.fakeTabs !== from && tab.isAlive) {
        const copy = structuredClone(news);
        this.#clock.after(1, () => void tab.gate().then(() => tab.fakeTabs.hear(copy)));
      }
    }
  }
}

/** One tab. */
export class Tab {
  readonly client: Client;
  readonly network: ModelNetwork;
  readonly fakeTabs: FakeTabs;
  readonly profile: Profile;
  isAlive = true;
  #thaw: (() => void) | undefined;
  #frozen: Promise<void> | undefined;

  constructor(
    profile: Profile,
    server: ModelServer,
    clock: Clock,
    random: () => number,
    number: number,
    witness: Witness | undefined,
  ) {
    this.profile = profile;
    this.network = new ModelNetwork(server, clock, profile.user_id, random, () => this.isAlive);
    this.fakeTabs = new FakeTabs(`tab ${number}`, profile, this);
    const real = clock.environment(random, () => profile.skew);
    const environment: Environment = {
      ...real,
      after: (milliseconds, work) =>
        real.after(milliseconds, () => {
          if (this.isAlive) void this.gate().then(work);
        }),
    };
    const kept = new ResilientDatabase(async () => profile.disk, environment);
    const storage: Storage = {
      open: () => ({
        database: new TabDatabase(kept, this),
        tabs: tabsOfDisk(this.fakeTabs, kept.keptIn),
        keptIn: kept.keptIn,
      }),
      remove: async () => {},
    };
    this.client = createClient({
      url: "http://model",
      userId: profile.user_id,
      auth: () => "token",
      storage,
      network: this.network,
      environment,
      ...(witness === undefined ? {} : { witness }),
    });
  }

  /** Passes at once, when the tab thaws, or never. */
  async gate(): Promise<void> {
    if (this.#frozen !== undefined) await this.#frozen;
    if (!this.isAlive) await new Promise(() => {});
  }

  /** As if the browser killed it. */
  crash(): void {
    this.isAlive = false;
    this.network.cut();
    this.profile.tabs.splice(this.profile.tabs.indexOf(this), 1);
    if (this.profile.leader === this.fakeTabs) this.profile.leader = undefined;
    this.profile.elect();
  }

  /** Nothing of it runs until it thaws. If it led, another tab takes over. */
  freeze(): void {
    this.#frozen ??= new Promise((resolve) => {
      this.#thaw = resolve;
    });
    const { profile } = this;
    const other = profile.tabs.find((tab) => tab !== this && tab.isAlive && !tab.isFrozen);
    if (profile.leader !== this.fakeTabs || other === undefined) return;
    profile.leader = undefined;
    other.fakeTabs.lead();
    void this.gate().then(() => this.fakeTabs.lose());
  }

  thaw(): void {
    this.#thaw?.();
    this.#frozen = undefined;
  }

  get isFrozen(): boolean {
    return this.#frozen !== undefined;
  }
}

class FakeTabs implements SharedTabs {
  readonly name: string;
  readonly #profile: Profile;
  readonly #tab: Tab;
  #campaign: Lead | undefined;
  #lost = new AbortController();
  #isBusy = false;
  #listeners: ((news: News) => void)[] = [];

  constructor(name: string, profile: Profile, tab: Tab) {
    this.name = name;
    this.#profile = profile;
    this.#tab = tab;
  }

  campaign(lead: Lead): void {
    this.#campaign = lead;
    this.#profile.elect();
  }

  /** Whether it wants to. Who led before does not, until that is over. */
  lead(): boolean {
    if (this.#campaign === undefined || this.#isBusy) return false;
    this.#profile.leader = this;
    void this.#hold(this.#campaign);
    return true;
  }

  async #hold(lead: Lead): Promise<void> {
    this.#isBusy = true;
    this.#lost = new AbortController();
    await lead(this.#lost.signal);
    this.#isBusy = false;
    if (this.#profile.leader === this) this.#profile.leader = undefined;
    this.#profile.elect();
  }

  lose(): void {
    this.#lost.abort();
  }

  tell(news: News): void {
    if (this.#tab.isAlive) this.#profile.tell(this, news);
  }

  listen(listener: (news: News) => void): void {
    this.#listeners.push(listener);
  }

  hear(news: News): void {
    for (const listener of this.#listeners) listener(news);
  }

  leave(): void {
    this.lose();
    this.#campaign = undefined;
    if (this.#profile.leader === this) this.#profile.leader = undefined;
    this.#profile.elect();
  }

  close(): void {
    this.leave();
  }
}

/** The shared database, as one tab reaches it: a crash or a freeze may come before and after each transaction. */
class TabDatabase implements Database {
  readonly #database: Database;
  readonly #tab: Tab;

  constructor(database: Database, tab: Tab) {
    this.#database = database;
    this.#tab = tab;
  }

  async read<T>(stores: readonly StoreName[], work: (tx: Reader) => Promise<T>): Promise<T> {
    await this.#tab.gate();
    const result = await this.#database.read(stores, work);
    await this.#tab.gate();
    return result;
  }

  async write<T>(
    stores: readonly StoreName[],
    durability: Durability,
    work: (tx: Writer) => Promise<T>,
  ): Promise<T> {
    await this.#tab.gate();
    const result = await this.#database.write(stores, durability, work);
    await this.#tab.gate();
    return result;
  }

  close(): void {}
}
