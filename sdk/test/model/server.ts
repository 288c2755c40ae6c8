// A server in memory that keeps the rules of docs/PROTOCOL.md, as far as a client can tell.

import type { ServerCode } from "../../src/protocol/codes.js";
import type {
  Entry,
  Message,
  MessagePage,
  Participant,
  Problem,
  SyncRequest,
  Thread,
} from "../../src/protocol/wire.js";

interface Log {
  id: string;
  type: "direct" | "group";
  people: string[];
  epoch: number;
  entries: Entry[];
  messages: Message[];
  read: Map<string, number>;
  delivered: Map<string, number>;
}

interface State {
  logs: Map<string, Log>;
  answers: Map<string, unknown>;
  incarnation: number;
  ids: number;
}

/** Who is pushed to. */
export interface Device {
  readonly user_id: string;
  push(name: string, data: unknown): void;
}

const statuses: Readonly<Partial<Record<ServerCode, number>>> = { not_found: 404, overloaded: 503 };

/** What a call comes to. */
export class Refusal extends Error {
  readonly problem: Problem;

  constructor(code: ServerCode, retry_after_ms?: number) {
    super(code);
    this.problem = {
      type: `urn:semel:error:${code}`,
      title: code,
      detail: code,
      status: statuses[code] ?? 409,
      code,
      request_id: "model",
      ...(retry_after_ms === undefined ? {} : { retry_after_ms }),
    };
  }
}

export class ModelServer {
  readonly devices = new Set<Device>();
  readonly #now: () => number;
  #state: State = { logs: new Map(), answers: new Map(), incarnation: 1, ids: 0 };
  #backup: State | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  get logs(): readonly Log[] {
    return [...this.#state.logs.values()];
  }

  /** Makes a group that is there from the beginning. */
  group(people: readonly string[]): string {
    return this.#make("group", [...people], people[0] ?? "").id;
  }

  backup(): void {
    this.#backup = structuredClone(this.#state);
  }

  /** Everything is as it was at the backup; as after `semel restore`. */
  restore(): boolean {
    if (this.#backup === undefined) return false;
    const { incarnation } = this.#state;
    this.#state = structuredClone(this.#backup);
    this.#state.incarnation = incarnation + 1;
    for (const log of this.#state.logs.values()) {
      log.epoch = incarnation + 1;
      log.entries = log.entries.map((entry) => ({ ...entry, epoch: incarnation + 1 }));
    }
    return true;
  }

  /** An event of a device. */
  event(me: string, name: string, data: unknown): unknown {
    const given = data as Record<string, unknown>;
    switch (name) {
      case "sync":
        return this.#sync(me, given as unknown as SyncRequest);
      case "message:send":
        return this.#send(me, given);
      case "message:edit":
        return this.#once(me, given, () => this.#change(me, given, "message_edited"));
      case "message:delete":
        return this.#once(me, given, () => this.#change(me, given, "message_deleted"));
      case "reaction:add":
        return this.#once(me, given, () => this.#change(me, given, "reaction_added"));
      case "reaction:remove":
        return this.#once(me, given, () => this.#change(me, given, "reaction_removed"));
      case "read":
      case "delivered":
        return this.#move(me, given, name);
      default:
        return {};
    }
  }

  /** A read over HTTP. */
  read(
    me: string,
    path: string,
    query: Readonly<Record<string, string | number | undefined>>,
  ): unknown {
    const [, id = "", what] = /^\/api\/chat\/threads\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
    const log = this.#access(me, id);
    if (what === undefined) return { thread: this.#thread(me, log) };
    return what === "messages" ? this.#messages(log, query) : this.#entries(log, query);
  }

  /** Tells every device how far its threads are. */
  tellHeads(): void {
    for (const device of this.devices) {
      const logs = this.logs.filter((log) => log.people.includes(device.user_id));
      const heads = Object.fromEntries(logs.map((log) => [log.id, log.entries.length]));
      device.push("heads", { heads });
    }
  }

  unread(me: string, log: Log): number {
    const read = log.read.get(me) ?? 0;
    return log.messages.filter((message) => message.seq > read).length;
  }

  #access(me: string, id: string): Log {
    const log = this.#state.logs.get(id);
    if (log === undefined || !log.people.includes(me)) throw new Refusal("not_found");
    return log;
  }

  #make(type: "direct" | "group", people: string[], actor_id: string): Log {
    const id = this.#newId();
    const log: Log = {
      id,
      type,
      people,
      epoch: this.#state.incarnation,
      entries: [],
      messages: [],
      read: new Map(),
      delivered: new Map(),
    };
    this.#state.logs.set(id, log);
    this.#append(log, actor_id, { type: "thread_created", user_ids: people, title: null });
    return log;
  }

  #send(me: string, given: Record<string, unknown>): unknown {
    if (given["participants"] !== undefined) return this.#start(me, given);
    const log = this.#access(me, given["thread_id"] as string);
    const batch = given["messages"] as Record<string, string>[] | undefined;
    if (batch === undefined) return this.#say(me, log, given as Record<string, string>);
    const results = batch.map((one) => ({ status: "success", data: this.#say(me, log, one) }));
    return { results };
  }

  #start(me: string, given: Record<string, unknown>): unknown {
    const people = [...new Set([me, ...(given["participants"] as string[])])].sort();
    const client_id = given["client_id"] as string;
    const content = given["message_content"] as string;
    const known = this.#find(me, client_id)?.log;
    const same = this.logs.find(
      (log) => log.type === "direct" && JSON.stringify(log.people) === JSON.stringify(people),
    );
    const log = known ?? same ?? this.#make("direct", people, me);
    const { message } = this.#say(me, log, { client_id, content });
    return { thread: this.#thread(me, log), message, is_existing_thread: same !== undefined };
  }

  #say(me: string, log: Log, given: Record<string, string | undefined>) {
    const { client_id = "", content = "" } = given;
    const known = this.#find(me, client_id);
    if (known !== undefined) {
      const isSame = known.log === log && known.original === content;
      if (!isSame) throw new Refusal("client_id_reused");
      return { message: known.message, duplicate: true };
    }
    const message: Message = {
      id: this.#newId(),
      thread_id: log.id,
      seq: log.messages.length + 1,
      rev: log.entries.length + 1,
      sender_id: me,
      client_id,
      kind: "text",
      content,
      reply_to: null,
      attachments: [],
      reactions: [],
      created_at: this.#time(),
      edited_at: null,
      deleted_at: null,
    };
    this.#state.answers.set(`said ${me} ${client_id}`, {
      content,
      thread_id: log.id,
      seq: message.seq,
    });
    log.messages.push(message);
    log.read.set(me, message.seq);
    log.delivered.set(me, message.seq);
    this.#append(log, me, { type: "message", message });
    return { message, duplicate: false };
  }

  #find(me: string, client_id: string) {
    type Said = { content: string; thread_id: string; seq: number };
    const said = this.#state.answers.get(`said ${me} ${client_id}`) as Said | undefined;
    const log = this.#state.logs.get(said?.thread_id ?? "");
    const message = log?.messages[(said?.seq ?? 0) - 1];
    if (said === undefined || log === undefined || message === undefined) return undefined;
    return { log, message, original: said.content };
  }

  #change(
    me: string,
    given: Record<string, unknown>,
    type: "message_edited" | "message_deleted" | "reaction_added" | "reaction_removed",
  ) {
    const log = this.#access(me, given["thread_id"] as string);
    const place = log.messages.findIndex((message) => message.id === given["message_id"]);
    const before = log.messages[place];
    if (before === undefined) throw new Refusal("not_found");
    if (before.deleted_at) {
      if (type === "message_deleted") return { message: before };
      throw new Refusal("message_deleted");
    }
    const emoji = (given["emoji"] as string | undefined) ?? "";
    const after = changed(before, type, me, given["content"] as string, emoji, this.#time());
    if (after === undefined) return { message: before };
    const message = { ...after, rev: log.entries.length + 1 };
    log.messages[place] = message;
    const about = { type, message_seq: message.seq, message, emoji };
    this.#append(log, me, about);
    return { message };
  }

  #once(me: string, given: Record<string, unknown>, work: () => unknown): unknown {
    const key = `key ${me} ${String(given["idempotency_key"])}`;
    if (this.#state.answers.has(key)) return this.#state.answers.get(key);
    const answer = work();
    this.#state.answers.set(key, structuredClone(answer));
    return answer;
  }

  #move(me: string, given: Record<string, unknown>, name: "read" | "delivered"): unknown {
    const log = this.#access(me, given["thread_id"] as string);
    const seq = Math.min(given["seq"] as number, log.messages.length);
    const of = name === "read" ? log.read : log.delivered;
    if (seq > (of.get(me) ?? 0)) {
      of.set(me, seq);
      if (name === "read") log.delivered.set(me, Math.max(seq, log.delivered.get(me) ?? 0));
      this.#push(log, name, { thread_id: log.id, user_id: me, seq });
    }
    const read_seq = log.read.get(me) ?? 0;
    return { thread_id: log.id, read_seq, unread_count: this.unread(me, log) };
  }

  #sync(me: string, request: SyncRequest): unknown {
    const logs = this.logs.filter((log) => log.people.includes(me));
    const threads = logs.flatMap((log) => {
      const cursor = request.threads[log.id];
      const head_rev = log.entries.length;
      const isSame = cursor !== undefined && this.#isSameLog(log, cursor);
      if (isSame && cursor.rev === head_rev) return [];
      const entries = isSame ? log.entries.slice(cursor.rev) : [];
      const messages = isSame ? [] : log.messages.slice(-20);
      const too_old = cursor !== undefined && !isSame;
      const { epoch } = log;
      const thread = this.#thread(me, log);
      return [{ thread, entries, messages, head_rev, epoch, more: false, too_old }];
    });
    const held = Object.keys(request.threads);
    const left = held.filter((id) => !logs.some((log) => log.id === id));
    const incarnation = String(this.#state.incarnation);
    return {
      threads,
      left,
      contacts: [],
      blocks: [],
      profiles: [],
      incarnation,
      since: 1,
      next_cursor: null,
    };
  }

  #isSameLog(log: Log, cursor: { rev: number; chain?: string; epoch?: number }): boolean {
    if (cursor.epoch !== undefined && cursor.epoch !== log.epoch) return false;
    if (cursor.rev > log.entries.length) return false;
    const chain = log.entries[cursor.rev - 1]?.chain;
    return cursor.chain === undefined || cursor.chain === chain;
  }

  #entries(log: Log, query: Readonly<Record<string, string | number | undefined>>): unknown {
    const rev = Number(query["after_rev"]);
    const chain = query["chain"] as string | undefined;
    const epoch = query["epoch"] === undefined ? undefined : Number(query["epoch"]);
    const cursor = {
      rev,
      ...(chain === undefined ? {} : { chain }),
      ...(epoch === undefined ? {} : { epoch }),
    };
    const too_old = !this.#isSameLog(log, cursor);
    // Small pages, so that there is more than one.
    const entries = too_old ? [] : log.entries.slice(rev, rev + 7);
    const more = rev + entries.length < log.entries.length;
    return { entries, head_rev: log.entries.length, epoch: log.epoch, more, too_old };
  }

  #messages(log: Log, query: Readonly<Record<string, string | number | undefined>>): MessagePage {
    const limit = Math.min(Number(query["limit"] ?? 20), 20);
    let { messages } = log;
    let has_more = messages.length > limit;
    if (query["before_seq"] !== undefined) {
      messages = messages.slice(0, Number(query["before_seq"]) - 1);
      has_more = messages.length > limit;
      messages = messages.slice(-limit);
    } else if (query["after_seq"] !== undefined) {
      messages = messages.slice(Number(query["after_seq"]));
      has_more = messages.length > limit;
      messages = messages.slice(0, limit);
    } else if (query["around_seq"] !== undefined) {
      const first = Math.max(0, Number(query["around_seq"]) - 1 - limit / 2);
      messages = messages.slice(first, first + limit);
    } else messages = messages.slice(-limit);
    const [from_seq, to_seq] = [messages[0]?.seq ?? 0, messages.at(-1)?.seq ?? 0];
    return {
      messages,
      from_seq,
      to_seq,
      as_of_rev: log.entries.length,
      epoch: log.epoch,
      has_more,
    };
  }

  #thread(me: string, log: Log): Thread {
    const participants = log.people.map(
      (user_id): Participant => ({
        user_id,
        display_name: user_id,
        role: "participant",
        read_seq: log.read.get(user_id) ?? 0,
        delivered_seq: log.delivered.get(user_id) ?? 0,
      }),
    );
    const last = log.entries.at(-1);
    return {
      id: log.id,
      thread_type: log.type,
      title: log.type === "direct" ? (log.people.find((id) => id !== me) ?? null) : "group",
      title_is_automatic: false,
      description: null,
      picture: null,
      settings: { history: "all", posting: "everyone", adding: "admins", naming: "admins" },
      preferences: { muted: false, muted_until: null, pinned_at: null, archived: false },
      participants,
      participant_count: participants.length,
      message_count: log.messages.length,
      first_seq: 1,
      first_rev: 1,
      last_seq: log.messages.length,
      last_rev: log.entries.length,
      chain: last?.chain ?? "",
      epoch: log.epoch,
      last_message: log.messages.at(-1) ?? null,
      read_seq: log.read.get(me) ?? 0,
      unread_count: this.unread(me, log),
      created_by: log.people[0] ?? "",
      created_at: this.#time(),
      updated_at: last?.created_at ?? this.#time(),
    };
  }

  #append(log: Log, actor_id: string, body: Partial<Entry> & { type: Entry["type"] }): void {
    const rev = log.entries.length + 1;
    const chain = `${this.#state.incarnation}-${log.id}-${rev}`;
    const created_at = this.#time();
    const entry = {
      thread_id: log.id,
      rev,
      epoch: log.epoch,
      chain,
      actor_id,
      created_at,
      ...body,
    } as Entry;
    log.entries.push(entry);
    this.#push(log, "entry", entry);
  }

  #push(log: Log, name: string, data: unknown): void {
    for (const device of this.devices) {
      if (log.people.includes(device.user_id)) device.push(name, structuredClone(data));
    }
  }

  #newId(): string {
    this.#state.ids += 1;
    // Ids are not given out again after a restore.
    const part = (this.#state.incarnation * 1_000_000 + this.#state.ids).toString(16);
    return `00000000-0000-4000-8000-${part.padStart(12, "0")}`;
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}

/** None when nothing changes. */
function changed(
  message: Message,
  type: string,
  me: string,
  content: string,
  emoji: string,
  at: string,
): Message | undefined {
  const known = message.reactions.find((one) => one.emoji === emoji);
  const others = message.reactions.filter((one) => one !== known);
  const user_ids = known?.user_ids ?? [];
  switch (type) {
    case "message_edited":
      return { ...message, content, edited_at: at };
    case "message_deleted":
      return { ...message, content: "", reactions: [], deleted_at: at };
    case "reaction_added": {
      if (user_ids.includes(me)) return undefined;
      const more = { emoji, count: user_ids.length + 1, user_ids: [...user_ids, me] };
      const reactions =
        known === undefined
          ? [...others, more]
          : message.reactions.map((one) => (one === known ? more : one));
      return { ...message, reactions };
    }
    default: {
      if (!user_ids.includes(me)) return undefined;
      const rest = user_ids.filter((one) => one !== me);
      const less = { emoji, count: rest.length, user_ids: rest };
      const reactions = message.reactions.flatMap((one) =>
        one !== known ? [one] : rest.length > 0 ? [less] : [],
      );
      return { ...message, reactions };
    }
  }
}
