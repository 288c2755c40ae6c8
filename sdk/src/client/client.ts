// One person's chat on one device: what a host application talks to.

import { forgetAllButUnsent } from "../database/forget.js";
import type { Database } from "../database/port.js";
import type { KeptIn } from "../database/resilient.js";
import { storeNames } from "../database/schema.js";
import { type Observable, partOf, Value } from "../emitter.js";
import type { EngineContext } from "../engine/context.js";
import { Engine } from "../engine/engine.js";
import type { ConnectionState } from "../engine/state.js";
import { type Environment, systemEnvironment } from "../environment.js";
import { SemelError } from "../errors.js";
import { canonicalUserId, makeIds } from "../ids.js";
import { Api } from "../network/api.js";
import type { Network } from "../network/port.js";
import { sockets } from "../network/sockets.js";
import { type Auth, Tokens } from "../network/tokens.js";
import type { Target } from "../outbox/keep.js";
import type { Message, Presence } from "../protocol/wire.js";
import type { Change, News } from "../tabs/news.js";
import type { Tabs } from "../tabs/port.js";
import { buildContacts, type ContactItem } from "../views/contacts.js";
import { derived } from "../views/derived.js";
import { buildOutbox, type OutboxState } from "../views/outbox.js";
import { buildThreads, type ThreadItem } from "../views/threads.js";
import { Timeline } from "../views/timeline.js";
import type { Witness } from "../witness.js";
import { Actions } from "./actions.js";
import { Composer, type SendOptions, type Sent } from "./compose.js";
import { contexts } from "./contexts.js";
import { Drafts } from "./drafts.js";
import { followPage } from "./page.js";
import { keyOf, type Peer } from "./peer.js";
import { People } from "./people.js";
import { Reads } from "./reads.js";
import { Replica } from "./replica.js";
import { type SearchOptions, searchMessages } from "./search.js";
import type { Storage } from "./storage.js";

/** What a client needs. */
export interface ClientOptions {
  /** Address of the server, such as `https://chat.example.org`. */
  readonly url: string;
  /** Id of the person. What is kept is kept apart for each. */
  readonly userId: string;
  /** Gives access tokens for this person. */
  readonly auth: Auth;
  /** Where things are kept: `browserStorage()`, or `memoryStorage()`. */
  readonly storage: Storage;
  /** For tests: another way to the server. */
  readonly network?: Network;
  /** For tests: other clocks and randomness. */
  readonly environment?: Environment;
  /** For tests: writes down what this device does and sees. */
  readonly witness?: Witness;
}

/** What to do with messages that were not sent when the person signs out. */
export type Unsent = "refuse" | "discard";

/** One person's chat on one device. */
export class Client {
  /** Whose it is. */
  readonly userId: string;
  /** Where the connection is. */
  readonly connection: Observable<ConnectionState>;
  /** Where things are kept. */
  readonly keptIn: Observable<KeptIn>;
  /** The list of chats, newest first. */
  readonly threads: Observable<readonly ThreadItem[]>;
  /** With whom this person has to do. */
  readonly contacts: Observable<readonly ContactItem[]>;
  /** What this person calls their contacts, by id; nobody else sees it. `nameContact` changes it. */
  readonly ownNames: Observable<ReadonlyMap<string, string>>;
  /** Whom this person has blocked. `blockPerson` and `unblockPerson` change it. */
  readonly blocked: Observable<ReadonlySet<string>>;
  /** What waits to be sent, and what was given up. */
  readonly outbox: Observable<OutboxState>;
  /** What needs the server at once: making groups, adding people, profiles. */
  readonly actions: Actions;
  /** Words that were begun, by conversation. */
  readonly drafts: Drafts;

  readonly #account: string;
  readonly #storage: Storage;
  readonly #database: Database;
  readonly #tabs: Tabs;
  readonly #tokens: Tokens;
  readonly #context: EngineContext;
  readonly #replica: Replica;
  readonly #composer: Composer;
  readonly #people: People;
  readonly #reads: Reads;
  readonly #connection: Value<ConnectionState>;
  readonly #ends: (() => void)[] = [];
  #engine: Engine | undefined;
  #isStarted = false;
  #isStopped = false;

  constructor(options: ClientOptions) {
    const environment = options.environment ?? systemEnvironment;
    this.userId = canonicalUserId(options.userId);
    this.#account = `${options.url.replace(/\/+$/, "")}|${this.userId}`;
    this.#storage = options.storage;
    const { database, tabs, keptIn } = options.storage.open(this.#account, environment);
    this.#database = database;
    this.#tabs = tabs;
    this.keptIn = keptIn;
    this.#tokens = new Tokens(options.auth, this.userId);
    const network = options.network ?? sockets(options.url);
    const newId = makeIds(environment);
    this.#context = {
      me: this.userId,
      database,
      environment,
      network,
      tokens: this.#tokens,
      api: new Api(network, this.#tokens, environment, newId),
      witness: options.witness,
      changed: (change) => this.#changed(change),
    };
    this.#connection = new Value<ConnectionState>({ phase: "idle", since: environment.now() });
    this.connection = this.#connection;
    this.#replica = new Replica(database);
    const { state } = this.#replica;
    this.threads = derived(state, buildThreads, keyOfItem);
    this.contacts = derived(state, buildContacts, (item) => item.user.user_id);
    this.ownNames = partOf(state, (now) => now.ownNames);
    this.blocked = partOf(state, (now) => now.blocked);
    this.outbox = buildOutbox(state);
    this.#composer = new Composer(this.#context, this.#replica, newId, () => this.#look());
    this.#people = new People(this.#context, (interest) => {
      this.#tabs.tell({ type: "interest", tab: this.#tabs.name, interest });
      this.#engine?.show(this.#tabs.name, interest);
    });
    this.#reads = new Reads(this.#context, () => this.#look());
    this.drafts = new Drafts(this.#context, this.#replica);
    this.actions = new Actions(this.#context);
    contexts.set(this, { context: this.#context, replica: this.#replica });
  }

  /** Shows what the device holds, then connects. Resolves when what is held is there to be shown. */
  async start(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#tabs.listen((news) => this.#hear(news));
    this.#ends.push(followPage(() => this.wake()));
    await this.#replica.load();
    this.#tabs.tell({ type: "hello" });
    // Who leads may not know that there is nothing: a newer program empties what an older one kept.
    const since = await this.#database.read(["meta"], (tx) => tx.get("meta", "since"));
    this.#tabs.campaign((lost) => this.#lead(lost), since === undefined);
  }

  /** Ends. What waits in the outbox is sent by the next one, or by another tab. */
  async stop(): Promise<void> {
    await this.#stop();
  }

  async #stop(last?: () => Promise<void>): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const end of this.#ends) end();
    const engine = this.#engine;
    this.#composer.stop();
    this.#tabs.close();
    await engine?.stop();
    await last?.().catch(() => undefined);
    this.#replica.close();
    this.#database.close();
    this.#connection.set({ phase: "stopped", since: this.#context.environment.now() });
  }

  /** Signs out on this device: everything that is kept for this person is removed, in all tabs. */
  async signOut(unsent: Unsent): Promise<void> {
    const { waiting, failed } = this.outbox.get();
    if (unsent === "refuse" && waiting + failed > 0) {
      const text = `${waiting + failed} messages were not sent and would be lost`;
      throw new SemelError("unsent_messages", text);
    }
    this.#tabs.tell({ type: "signed_out" });
    await this.stop();
    await this.#tokens.end();
    await this.#storage.remove(this.#account);
  }

  /**
   * For when the sign-in was ended (`session_revoked`): ends in all tabs, and removes from this device what can be had again.
   * What was not sent and what was begun stays, and is there when the same person signs in again.
   */
  async forget(): Promise<void> {
    this.#tabs.tell({ type: "signed_out", isForgotten: true });
    await this.#stopAndForget();
  }

  #stopAndForget(): Promise<void> {
    return this.#stop(() => this.#database.write(storeNames, "strict", forgetAllButUnsent));
  }

  /** Tries to connect now, and reads again what other tabs may have changed: after waking up, or when told to. */
  wake(): void {
    if (!this.#isStarted || this.#isStopped) return;
    this.#engine?.wake();
    this.#tabs.tell({ type: "wake" });
    void this.#replica.load().catch(() => undefined);
  }

  /**
   * Sends a message. It is shown at once, kept before anything leaves the device, and sent until the server has it, once,
   * also after a reload.
   */
  send(peer: Peer, content: string, options?: SendOptions): Sent {
    this.#stopTyping(peer);
    return this.#composer.send(peer, content, options);
  }

  /** New words for a message of this person. One that was given up is sent again with them. */
  edit(target: Target, content: string): Promise<void> {
    return this.#composer.edit(target, content);
  }

  /**
   * Deletes a message for everybody. One that never left the device, or was refused, is forgotten; one that was given up and may
   * be stored all the same is told again, and deleted then.
   */
  remove(target: Target): Promise<void> {
    return this.#composer.change(target, { type: "delete" });
  }

  /** Not to a message that was given up: `invalid_argument`. */
  react(target: Target, emoji: string): Promise<void> {
    return this.#composer.change(target, { type: "react", emoji });
  }

  unreact(target: Target, emoji: string): Promise<void> {
    return this.#composer.change(target, { type: "unreact", emoji });
  }

  /** Sends again what was given up, also when it had waited too long. Resolves with its client id, which may be a new one. */
  retry(client_id: string): Promise<string> {
    return this.#composer.retry(client_id);
  }

  /** Forgets what was given up. */
  dismiss(client_id: string): Promise<void> {
    return this.#composer.dismiss(client_id);
  }

  /** This person has read up to a message. */
  markRead(thread_id: string, seq: number): Promise<void> {
    return this.#reads.mark(thread_id, seq);
  }

  /** A conversation on screen. Close it when it is not. */
  openTimeline(peer: Peer): Timeline {
    const timeline = new Timeline(this.#context, this.#replica, keyOf(peer, this.userId));
    const close = timeline.close.bind(timeline);
    let end: (() => void) | undefined;
    const follow = () => {
      const id = timeline.get().thread?.id;
      if (id === undefined || end !== undefined) return;
      end = this.#people.open(id);
      void this.#reads.opened(id);
    };
    const unsubscribe = timeline.subscribe(follow);
    follow();
    timeline.close = () => {
      unsubscribe();
      end?.();
      close();
    };
    return timeline;
  }

  /** Whether somebody is there; asked for as long as somebody listens. */
  presence(user_id: string): Observable<Presence | undefined> {
    return this.#people.presence(user_id);
  }

  /** Who types in a thread, except this person. */
  typing(thread_id: string): Observable<readonly string[]> {
    return this.#people.typing(thread_id);
  }

  /** This person types. Call it at every key: it is told every four seconds at most. */
  setTyping(thread_id: string): void {
    if (this.#people.mayTell(thread_id)) this.#type(thread_id, true);
  }

  /** Messages with these words, in what this device holds. */
  search(text: string, options?: SearchOptions): Promise<Message[]> {
    return searchMessages(this.#database, text, options);
  }

  #stopTyping(peer: Peer): void {
    if ("thread_id" in peer && this.#people.stopTelling(peer.thread_id)) {
      this.#type(peer.thread_id, false);
    }
  }

  #type(thread_id: string, typing: boolean): void {
    if (this.#engine === undefined) this.#tabs.tell({ type: "typing", thread_id, typing });
    else this.#engine.type(thread_id, typing);
  }

  async #lead(lost: AbortSignal): Promise<void> {
    if (this.#isStopped) return;
    const device_id = await this.#deviceId();
    const engine: Engine = new Engine(this.#context, device_id, {
      state: (state) => {
        // Whoever does not lead any more has nothing to say about the connection.
        if (this.#engine !== engine) return;
        this.#showState(state);
        this.#tabs.tell({ type: "state", state });
      },
      notice: (notice) => {
        this.#people.take(notice);
        this.#tabs.tell({ type: "notice", notice });
      },
    });
    if (this.#isStopped || lost.aborted) return;
    this.#engine = engine;
    engine.show(this.#tabs.name, this.#people.interest);
    engine.start();
    this.#tabs.tell({ type: "hello" });
    await new Promise<void>((resolve) => {
      if (lost.aborted) resolve();
      else lost.addEventListener("abort", () => resolve());
    });
    if (this.#engine === engine) this.#engine = undefined;
    this.#tabs.tell({ type: "hello" });
    await engine.stop();
  }

  async #deviceId(): Promise<string> {
    return this.#database.write(["meta"], "relaxed", async (tx) => {
      const name = "device_id";
      const known = (await tx.get("meta", name))?.value;
      if (typeof known === "string") return known;
      const value = makeIds(this.#context.environment)();
      await tx.put("meta", { name, value });
      return value;
    });
  }

  #hear(news: News): void {
    switch (news.type) {
      case "changed":
        return void this.#replica.refresh(news.change).catch(() => undefined);
      case "state":
        return this.#engine === undefined ? this.#showState(news.state) : undefined;
      case "notice":
        return this.#people.take(news.notice);
      case "interest":
        return this.#engine?.show(news.tab, news.interest);
      case "typing":
        return this.#engine?.type(news.thread_id, news.typing);
      case "work":
        return this.#engine?.look();
      case "wake":
        return this.#engine?.wake();
      case "hello":
        return this.#greet();
      case "signed_out":
        return void (news.isForgotten ? this.#stopAndForget() : this.stop());
      default:
        return undefined;
    }
  }

  #greet(): void {
    const { interest } = this.#people;
    this.#tabs.tell({ type: "interest", tab: this.#tabs.name, interest });
    if (this.#engine !== undefined) this.#tabs.tell({ type: "state", state: this.#engine.state });
  }

  #showState(state: ConnectionState): void {
    if (this.#isStopped) return;
    if (state.phase !== "online") this.#people.forget();
    this.#connection.set(state);
  }

  #changed(change: Change): void {
    if (this.#isStopped) return;
    this.#tabs.tell({ type: "changed", change });
    void this.#replica.refresh(change).catch(() => undefined);
  }

  /** Something is there to be told to the server. */
  #look(): void {
    if (this.#engine !== undefined) this.#engine.look();
    else this.#tabs.tell({ type: "work" });
  }
}

/** A client for one person. Call `start()`. */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}

function keyOfItem(item: ThreadItem): string {
  return item.key;
}
