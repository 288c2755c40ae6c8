// Links that invite into groups. What is in a link is a secret: whoever has it may join.

import { segment } from "../network/api.js";
import type { CreateInvite, Invite, InviteSight, JoinResult } from "../protocol/wire.js";
import type { Client } from "./client.js";
import { contextOf } from "./contexts.js";

/**
 * Makes a link into a group, by whom the group lets add people; `forbidden` for others. A group has at most
 * `limits.INVITES_PER_THREAD_MAX` (`invalid_request` beyond). Who makes a page for it puts `token` behind a `#`: what else is in an
 * address ends up in logs.
 */
export async function createInvite(
  client: Client,
  thread_id: string,
  bounds: CreateInvite = {},
): Promise<Invite> {
  const call = { method: "POST", path: pathOf(thread_id), body: bounds } as const;
  return (await contextOf(client).api.call<{ invite: Invite }>(call)).invite;
}

/** The links of a group that were not revoked and have not expired, newest first, for whom the group lets add people. */
export async function listInvites(client: Client, thread_id: string): Promise<readonly Invite[]> {
  const call = { method: "GET", path: pathOf(thread_id) } as const;
  return (await contextOf(client).api.call<{ invites: Invite[] }>(call)).invites;
}

/**
 * From its answer on nobody comes in by this link. Admins revoke any, others the ones that they made; `not_found` when there
 * is no such link any more.
 */
export async function revokeInvite(
  client: Client,
  thread_id: string,
  invite_id: string,
): Promise<void> {
  const path = `${pathOf(thread_id)}/${segment(invite_id)}`;
  await contextOf(client).api.call({ method: "DELETE", path });
}

/**
 * What a link leads to, before joining. `not_found` when it leads nowhere, whatever the matter is: made up, revoked, expired,
 * used up, or the group is empty; `forbidden` for whom somebody took out of the group. Looking and joining together are counted:
 * `limits.INVITE_LOOKS_PER_PERSON_DAY_MAX` in a day (`rate_limited`).
 */
export async function lookAtInvite(client: Client, token: string): Promise<InviteSight> {
  const call = { method: "POST", path: "/api/invites/look", body: { token } } as const;
  return (await contextOf(client).api.call<{ invite: InviteSight }>(call)).invite;
}

/**
 * Joins by a link, once, however often it has to be repeated until there is an answer. Who is in already gets the thread with
 * `joined: false`, and uses nothing of the link. Errors as `lookAtInvite`, and `thread_full`.
 */
export async function joinByInvite(client: Client, token: string): Promise<JoinResult> {
  const call = { method: "POST", path: "/api/invites/join", body: { token } } as const;
  return contextOf(client).api.call<JoinResult>(call);
}

function pathOf(thread_id: string): string {
  return `/api/chat/threads/${segment(thread_id)}/invites`;
}
