// What this device holds. Entries move it forward one rev at a time: the next one is applied, an old one is ignored, and
// when one is missing, what lies between is fetched.

export class Store {
  threads = new Map();
  names = new Map();
  online = new Map();
  typing = new Map();
  #me; #ask; #get; #changed; #said; #since; #incarnation; #filling = new Map(); #syncing = null; #again = false;

  /** ask(event, data): over the socket; get(path): over HTTP; said(held, message): somebody else's new message. */
  constructor(me, { ask, get, changed, said }) {
    this.#me = me;
    this.#ask = ask;
    this.#get = get;
    this.#changed = changed;
    this.#said = said;
  }

  name(user) { return this.names.get(user) ?? user; }

  list() {
    return [...this.threads.values()].sort((a, b) => (a.thread.updated_at < b.thread.updated_at ? 1 : -1));
  }

  /** Asks for everything that this device missed. Calls that come meanwhile lead to one more round. */
  sync() {
    if (this.#syncing) {
      this.#again = true;
      return this.#syncing;
    }
    this.#syncing = this.#pages().finally(() => {
      this.#syncing = null;
      if (this.#again) {
        this.#again = false;
        this.sync().catch(() => {});
      }
    });
    return this.#syncing;
  }

  async #pages() {
    const request = { threads: {} };
    if (this.#since !== undefined) Object.assign(request, { since: this.#since, incarnation: this.#incarnation });
    for (const [id, held] of this.threads) {
      request.threads[id] = { rev: held.rev, epoch: held.epoch, ...(held.chain ? { chain: held.chain } : {}) };
    }
    for (let cursor; ;) {
      const page = await this.#ask("sync", cursor ? { ...request, cursor } : request);
      for (const profile of page.profiles) this.names.set(profile.user_id, profile.display_name);
      for (const contact of page.contacts) this.names.set(contact.user.user_id, contact.user.display_name);
      for (const id of page.left) this.threads.delete(id);
      for (const item of page.threads) this.#take(item);
      this.#changed();
      cursor = page.next_cursor;
      if (cursor) continue;
      this.#since = page.since;
      this.#incarnation = page.incarnation;
      return;
    }
  }

  #take({ thread, entries, messages, head_rev, epoch, more, too_old }) {
    const held = this.threads.get(thread.id);
    if (!held || too_old || held.epoch !== epoch) {
      this.hold(thread, messages, head_rev);
      return;
    }
    for (const entry of entries) this.#apply(held, entry);
    if (held.rev >= head_rev) held.thread = thread;
    if (more) this.fill(thread.id);
  }

  /** Takes a thread as it is, with its newest messages. */
  hold(thread, messages = [], rev = thread.last_rev) {
    const held = {
      thread, rev, epoch: thread.epoch, chain: rev === thread.last_rev ? thread.chain : undefined,
      messages: new Map(messages.map((message) => [message.seq, message])),
    };
    for (const person of thread.participants) this.names.set(person.user_id, person.display_name);
    this.threads.set(thread.id, held);
    return held;
  }

  /** An entry that was pushed. */
  entry(entry) {
    const held = this.threads.get(entry.thread_id);
    if (!held) this.sync().catch(() => {});
    else if (entry.rev > held.rev + 1 || entry.epoch !== held.epoch) this.fill(entry.thread_id);
    else this.#apply(held, entry, true);
    this.#changed();
  }

  heads(heads) {
    for (const [id, rev] of Object.entries(heads)) {
      const held = this.threads.get(id);
      if (!held) this.sync().catch(() => {});
      else if (rev > held.rev) this.fill(id);
    }
  }

  #apply(held, entry, live = false) {
    if (entry.rev !== held.rev + 1) return;
    held.rev = entry.rev;
    held.chain = entry.chain;
    const { thread } = held;
    thread.last_rev = entry.rev;
    if (entry.created_at) thread.updated_at = entry.created_at;
    if (entry.message) this.put(held, entry.message);
    if ("title" in entry && thread.thread_type === "group") thread.title = entry.title;
    if (entry.type === "message" || entry.message?.kind === "system") this.#count(held, entry.message, live);
    const people = entry.user_ids ?? [];
    const away = entry.type === "participant_removed" || entry.type === "participant_left";
    if (away && people.includes(this.#me)) this.threads.delete(thread.id);
    else if (people.length || entry.type === "settings_changed") this.refresh(thread.id);
  }

  #count(held, message, live) {
    const { thread } = held;
    if (message.seq <= thread.last_seq) return;
    thread.last_seq = message.seq;
    thread.last_message = message;
    if (message.kind !== "text") return;
    thread.message_count += 1;
    if (message.sender_id === this.#me) {
      Object.assign(thread, { read_seq: message.seq, unread_count: 0 });
    } else {
      thread.unread_count += 1;
      this.typing.delete(`${thread.id} ${message.sender_id}`);
      if (live) this.#said(held, message);
    }
  }

  /** A copy is replaced only by one with a greater rev. */
  put(held, message) {
    const known = held.messages.get(message.seq);
    if (known && known.rev >= message.rev) return;
    held.messages.set(message.seq, message);
    if (held.thread.last_message?.seq === message.seq) held.thread.last_message = message;
  }

  /** Fetches the entries that are missing, once at a time for each thread. */
  fill(id) {
    if (!this.#filling.has(id)) {
      const work = this.#fetchEntries(id).catch(() => {}).finally(() => this.#filling.delete(id));
      this.#filling.set(id, work);
    }
    return this.#filling.get(id);
  }

  async #fetchEntries(id) {
    for (let more = true; more;) {
      const held = this.threads.get(id);
      if (!held) return;
      const page = await this.#get(`/api/chat/threads/${id}/entries?after_rev=${held.rev}&limit=200`);
      if (page.too_old || page.epoch !== held.epoch) {
        this.threads.delete(id);
        return void this.sync();
      }
      for (const entry of page.entries) this.#apply(held, entry, true);
      more = page.more && page.entries.length > 0;
      this.#changed();
    }
  }

  async refresh(id) {
    const answer = await this.#get(`/api/chat/threads/${id}`).catch(() => null);
    const held = this.threads.get(id);
    const thread = answer?.thread ?? answer;
    if (!thread || !held) return;
    for (const person of thread.participants) this.names.set(person.user_id, person.display_name);
    if (thread.last_rev >= held.rev) held.thread = { ...thread, last_rev: held.rev };
    this.#changed();
    if (thread.last_rev > held.rev) this.fill(id);
  }

  /** The lowest seq from which on the device has everything, and whether there is something before. */
  lowest(held) {
    let seq = held.thread.last_seq;
    while (seq > 1 && held.messages.has(seq - 1)) seq -= 1;
    return held.messages.has(seq) ? seq : held.thread.last_seq + 1;
  }

  hasEarlier(held) { return this.lowest(held) > Math.max(1, held.thread.first_seq); }

  async earlier(id) {
    const held = this.threads.get(id);
    const page = await this.#get(`/api/chat/threads/${id}/messages?before_seq=${this.lowest(held)}&limit=50`);
    for (const message of page.messages) this.put(held, message);
    this.#changed();
  }

  receipt({ thread_id, user_id, seq }) {
    const thread = this.threads.get(thread_id)?.thread;
    const person = thread?.participants.find((one) => one.user_id === user_id);
    if (person) person.read_seq = Math.max(person.read_seq, seq);
    if (thread && user_id === this.#me && seq > thread.read_seq) {
      const held = this.threads.get(thread_id);
      let unread = 0;
      for (const message of held.messages.values()) if (message.kind === "text" && message.seq > seq) unread += 1;
      Object.assign(thread, { read_seq: seq, unread_count: unread });
    }
    this.#changed();
  }
}
