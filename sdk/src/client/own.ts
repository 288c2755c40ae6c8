// What a person has for themselves: names for contacts, whom they blocked, by what they are found, what they muted.

import { segment } from "../network/api.js";
import type {
  Blocked,
  ChangePreferences,
  Contact,
  Findability,
  Preferences,
  User,
} from "../protocol/wire.js";
import type { Page } from "./actions.js";
import type { Client } from "./client.js";
import { contextOf } from "./contexts.js";

/**
 * Takes a handle, with or without the `@`; `""` gives this person's up. `handle_taken` when it is somebody else's or was lately,
 * `invalid_request` when it is none (`limits.HANDLE_CHARACTERS_MIN` to `_MAX` letters a–z, digits and `_`, a letter first),
 * `rate_limited` after `limits.HANDLE_CHANGES_PER_MONTH_MAX` in 30 days.
 */
export async function setHandle(client: Client, handle: string): Promise<User> {
  const call = { method: "PUT", path: "/api/users/me/handle", body: { handle } } as const;
  return (await contextOf(client).api.call<{ user: User }>(call)).user;
}

/** Who finds this person by their handle, number and address. */
export async function getFindability(client: Client): Promise<Findability> {
  const call = { method: "GET", path: "/api/users/me/findability" } as const;
  return (await contextOf(client).api.call<{ findability: Findability }>(call)).findability;
}

/** What is left out stays as it is. */
export async function changeFindability(
  client: Client,
  change: Partial<Findability>,
): Promise<Findability> {
  const call = { method: "PATCH", path: "/api/users/me/findability", body: change } as const;
  return (await contextOf(client).api.call<{ findability: Findability }>(call)).findability;
}

/** Gives a contact a name that only this person sees; `""` takes it away. `not_found` for who is no contact. */
export async function nameContact(
  client: Client,
  user_id: string,
  own_name: string,
): Promise<Contact> {
  const path = `/api/contacts/${segment(user_id)}`;
  const call = { method: "PATCH", path, body: { own_name } } as const;
  return (await contextOf(client).api.call<{ contact: Contact }>(call)).contact;
}

/** From its answer on nothing that this person says reaches them directly, nor the other way. They are not told. */
export async function blockPerson(client: Client, user_id: string): Promise<void> {
  await contextOf(client).api.call({ method: "PUT", path: blockOf(user_id) });
}

/** Ends a block. */
export async function unblockPerson(client: Client, user_id: string): Promise<void> {
  await contextOf(client).api.call({ method: "DELETE", path: blockOf(user_id) });
}

/** Whom this person has blocked, with their profiles, page by page. `client.blocked` has their ids. */
export async function listBlocks(client: Client, cursor?: string): Promise<Page<Blocked>> {
  type Result = { blocks: Blocked[]; next_cursor?: string | null };
  const call = { method: "GET", path: "/api/blocks", query: { cursor } } as const;
  const page = await contextOf(client).api.call<Result>(call);
  return { items: page.blocks, next: page.next_cursor ?? undefined };
}

/** Mutes, pins or archives a thread, on all devices of this person and for nobody else. */
export async function changePreferences(
  client: Client,
  thread_id: string,
  change: ChangePreferences,
): Promise<Preferences> {
  const path = `/api/chat/threads/${segment(thread_id)}/preferences`;
  const call = { method: "PATCH", path, body: change } as const;
  return (await contextOf(client).api.call<{ preferences: Preferences }>(call)).preferences;
}

function blockOf(user_id: string): string {
  return `/api/blocks/${segment(user_id)}`;
}
