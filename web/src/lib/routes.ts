// Addresses of the page. `/u/{user}` and the chat that it has are one place; so is `/self`.

import type { Peer, ThreadItem } from "@semel/sdk";

export type Section = "chats" | "people" | "settings" | "operator" | "conversation" | "join";

export function sectionOf(path: string): Section {
  if (peerOf(path) !== undefined) return "conversation";
  if (path === "/join") return "join";
  if (path.startsWith("/people")) return "people";
  if (path === "/operator" || path.startsWith("/operator/")) return "operator";
  return path.startsWith("/settings") ? "settings" : "chats";
}

export function peerOf(path: string): Peer | undefined {
  if (path === "/self") return { self: true };
  const [, kind, id, rest] = path.split("/");
  if (id === undefined || id === "" || rest !== undefined) return undefined;
  try {
    if (kind === "c") return { thread_id: decodeURIComponent(id) };
    if (kind === "u") return { user_id: decodeURIComponent(id) };
  } catch {
    // Not an address that was made here.
  }
  return undefined;
}

/** Which page of the operator's area, where one was chosen. */
export function operatorPageOf(path: string): string | undefined {
  const [, area, page] = path.split("/");
  return area === "operator" && page ? page : undefined;
}

export function pathOfUser(userId: string): string {
  return `/u/${encodeURIComponent(userId)}`;
}

/** Where a line of the list leads. */
export function pathOfItem(item: ThreadItem, me: string): string {
  const { thread } = item;
  if (thread?.thread_type === "self") return "/self";
  if (thread?.thread_type === "group") return `/c/${thread.id}`;
  const other = otherOf(item, me);
  if (other !== undefined) return pathOfUser(other);
  return thread === undefined ? "/self" : `/c/${thread.id}`;
}

/** Whether a line of the list is the conversation at an address: a chat with a person has two of them. */
export function isAt(path: string, item: ThreadItem, me: string): boolean {
  const peer = peerOf(path);
  const isByThread = peer !== undefined && "thread_id" in peer;
  return path === pathOfItem(item, me) || (isByThread && peer.thread_id === item.thread?.id);
}

/** The other person of a direct chat. */
export function otherOf(item: ThreadItem, me: string): string | undefined {
  const { thread } = item;
  if (thread === undefined)
    return item.participants.length === 1 ? item.participants[0] : undefined;
  if (thread.thread_type !== "direct") return undefined;
  return thread.participants.find((one) => one.user_id !== me)?.user_id;
}
