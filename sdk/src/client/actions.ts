// What is done at once and needs the server: threads, their people, profiles. Each change happens once, however often it
// has to be repeated until there is an answer.

import type { EngineContext } from "../engine/context.js";
import { type Api, segment } from "../network/api.js";
import type { Tokens } from "../network/tokens.js";
import type {
  ChangeThread,
  Contact,
  ExpandResult,
  Identity,
  Participant,
  Picture,
  ProfileChange,
  Role,
  Session,
  Thread,
  ThreadType,
  User,
} from "../protocol/wire.js";

/** The value of the claim `scope` that makes an operator. */
const OPERATOR = "operator";

/** A page and where the next one begins. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

/** What to do when another group has the resulting people. */
export type OnConflict = "refuse" | "keep_separate";

/** Calls over HTTP. They reject with `RefusedError`, or `network` when there is no answer. */
export class Actions {
  readonly #api: Api;
  readonly #tokens: Tokens;

  constructor(context: EngineContext) {
    this.#api = context.api;
    this.#tokens = context.tokens;
  }

  /** The thread of these people, made if there is none. */
  async createOrGet(asked: {
    readonly participants: readonly string[];
    readonly thread_type?: ThreadType;
    readonly title?: string;
    readonly distinct?: false;
    readonly client_id?: string;
  }): Promise<{ readonly thread: Thread; readonly created: boolean }> {
    const path = "/api/chat/create-or-get";
    type Result = { thread: Thread; created: boolean };
    return this.#api.call<Result>({ method: "POST", path, body: asked });
  }

  /** Title, description and picture, by whom the group lets; settings, by admins. All that is named, or nothing. */
  async change(thread_id: string, change: ChangeThread): Promise<Thread> {
    return this.#thread("PATCH", thread_id, "", change);
  }

  /** Brings people in, with or without a welcome, by whom the group lets. */
  async expand(
    thread_id: string,
    new_participants: readonly string[],
    more: { readonly message_content?: string; readonly on_conflict?: OnConflict } = {},
  ): Promise<ExpandResult> {
    const path = `${pathOf(thread_id)}/expand`;
    const body = { new_participants, ...more };
    return this.#api.call<ExpandResult>({ method: "POST", path, body });
  }

  /** Takes somebody out. Needs an admin. */
  async remove(thread_id: string, user_id: string, on_conflict?: OnConflict): Promise<Thread> {
    const path = `${pathOf(thread_id)}/participants/${segment(user_id)}`;
    const query = { on_conflict };
    const { thread } = await this.#api.call<{ thread: Thread }>({ method: "DELETE", path, query });
    return thread;
  }

  async changeRole(thread_id: string, user_id: string, role: Role): Promise<Thread> {
    return this.#thread("POST", thread_id, `/participants/${segment(user_id)}/role`, { role });
  }

  async leave(thread_id: string): Promise<void> {
    await this.#api.call({ method: "POST", path: `${pathOf(thread_id)}/leave` });
  }

  /** Everybody in a thread, page by page. */
  async participants(thread_id: string, cursor?: string): Promise<Page<Participant>> {
    const path = `${pathOf(thread_id)}/participants`;
    type Result = { participants: Participant[]; next_cursor?: string | null };
    const page = await this.#api.call<Result>({ method: "GET", path, query: { cursor } });
    return { items: page.participants, next: page.next_cursor ?? undefined };
  }

  /** Everybody with whom this person has to do, page by page; the device holds the newest ones itself. */
  async contacts(cursor?: string): Promise<Page<Contact>> {
    type Result = { contacts: Contact[]; next_cursor?: string | null };
    const call = { method: "GET", path: "/api/contacts", query: { cursor } } as const;
    const page = await this.#api.call<Result>(call);
    return { items: page.contacts, next: page.next_cursor ?? undefined };
  }

  /** Somebody's profile; `me` is this person's. */
  async user(user_id: string): Promise<User> {
    const path = `/api/users/${segment(user_id)}`;
    return (await this.#api.call<{ user: User }>({ method: "GET", path })).user;
  }

  /**
   * Somebody by exactly one handle, number or address. None: there is nobody, or they do not let this person find them.
   */
  async find(
    by:
      | { readonly handle: string }
      | { readonly phone: string; readonly country?: string }
      | { readonly email: string },
  ): Promise<User | undefined> {
    const call = { method: "POST", path: "/api/users/find", body: by } as const;
    return (await this.#api.call<{ user?: User | null }>(call)).user ?? undefined;
  }

  /** Changes this person's profile. */
  async changeProfile(change: ProfileChange): Promise<User> {
    const call = { method: "PATCH", path: "/api/users/me", body: change } as const;
    return (await this.#api.call<{ user: User }>(call)).user;
  }

  /**
   * Uploads a picture: PNG, JPEG or WebP, at most `limits.PICTURE_BYTES_MAX`. `picture` of the answer is its address at the
   * server, for `changeProfile` or `change`.
   */
  async uploadPicture(picture: Blob): Promise<Picture> {
    return this.#api.call<Picture>({ method: "POST", path: "/api/pictures", body: picture });
  }

  /** The devices on which this person is signed in, the newest first. Only for those who sign in at this server. */
  async sessions(): Promise<readonly Session[]> {
    const call = { method: "GET", path: "/api/auth/sessions" } as const;
    return (await this.#api.call<{ sessions: Session[] }>(call)).sessions;
  }

  /** Signs one of this person's devices out, wherever it is. */
  async revokeSession(session_id: string): Promise<void> {
    await this.#api.call({ method: "DELETE", path: `/api/auth/sessions/${segment(session_id)}` });
  }

  /** Signs all other devices of this person out. */
  async revokeOtherSessions(): Promise<void> {
    await this.#api.call({ method: "POST", path: "/api/auth/sessions/revoke-others" });
  }

  /** By what this person signs in. */
  async identities(): Promise<readonly Identity[]> {
    const call = { method: "GET", path: "/api/auth/identities" } as const;
    return (await this.#api.call<{ identities: Identity[] }>(call)).identities;
  }

  /**
   * Makes this person the operator, with what a fresh server's link has behind `#operator=`. It works once. The next token
   * says so; it is asked for at once.
   */
  async claimOperator(token: string): Promise<void> {
    await this.#api.once({ method: "POST", path: "/api/auth/operator", body: { token } });
    await this.#tokens.renew().catch(() => undefined);
  }

  /** Whether this person's token is an operator's. The server has the last word on each call. */
  async isOperator(): Promise<boolean> {
    return (await this.#tokens.scopes()).includes(OPERATOR);
  }

  async #thread(
    method: "PATCH" | "POST",
    thread_id: string,
    rest: string,
    body: unknown,
  ): Promise<Thread> {
    const path = `${pathOf(thread_id)}${rest}`;
    return (await this.#api.call<{ thread: Thread }>({ method, path, body })).thread;
  }
}

function pathOf(thread_id: string): string {
  return `/api/chat/threads/${segment(thread_id)}`;
}
