// Notifications of the system, one for each conversation, by one tab. Only what comes while the page is connected and no
// tab is looked at.

import type { Message, ThreadItem } from "@semel/sdk";
import { useClient, useConnection, useThreads } from "@semel/sdk/react";
import { useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { isMutedNow } from "./lib/muted";
import { pathOfItem } from "./lib/routes";
import { useLook } from "./look";
import { useOneTab } from "./one-tab";
import { useTitles } from "./people/titles";
import { type Told, tell, toldTo, untell } from "./told";

/** Milliseconds after which a message is no news any more: what was missed is not told one by one. */
const FRESH = 30_000;
/** Milliseconds between two that make a sound, at least. */
const QUIET = 2_000;

export function useNotices(): void {
  const { userId } = useClient();
  const threads = useThreads();
  const { phase } = useConnection();
  const { notices } = useLook();
  const [, go] = useLocation();
  const tab = useOneTab(userId);
  const titleOf = useTitles();
  const known = useRef<Map<string, number>>(undefined);
  const unreadBefore = useRef<ReadonlySet<string>>(undefined);
  const soundAt = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    // What came meanwhile is told when there is a connection again, as far as it is fresh then.
    if (phase !== "online") return;
    const before = known.current;
    known.current = new Map(threads.map((item) => [item.key, item.lastMessage?.seq ?? 0]));
    if (before === undefined || notices === "off") return;
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    if (!tab.isTheOne()) return;
    const news = threads.flatMap((item) => {
      const message = newsOf(item, before.get(item.key) ?? 0, userId);
      return message === undefined ? [] : [{ item, message }];
    });
    if (news.length === 0) return;
    const tellAll = async () => {
      if (await tab.isLookedAt()) return;
      for (const { item, message } of news) {
        const silent = performance.now() - soundAt.current < QUIET;
        if (!silent) soundAt.current = performance.now();
        // Without locks all tabs tell; they say the same tag, and the browser shows one.
        const options = { body: message.content, tag: item.key, silent };
        const data = { path: pathOfItem(item, userId), user_id: userId };
        await tell(titleOf(item), options, data, go);
      }
    };
    void tellAll();
  }, [threads, phase, notices, userId, go, tab, titleOf]);
  useEffect(() => {
    // The service worker had the click, and brought this page to the front.
    const follow = ({ data }: MessageEvent<Partial<Told> | null>) => {
      // Meanwhile it may be somebody else's page.
      if (typeof data?.path === "string" && data.user_id === userId) go(data.path);
    };
    navigator.serviceWorker?.addEventListener("message", follow);
    return () => navigator.serviceWorker?.removeEventListener("message", follow);
  }, [go, userId]);
  useEffect(() => {
    const unread = new Set(threads.filter((item) => item.unreadCount > 0).map(({ key }) => key));
    const isNothingRead = isAllUnread(unreadBefore.current, unread);
    unreadBefore.current = unread;
    // What was read is told no more, nor is anything of somebody else who was signed in before.
    if (!isNothingRead) void untell((one) => toldTo(one) !== userId || !unread.has(one.tag));
  }, [threads, userId]);
}

/** Nothing of it was read. None: what was told before is not known. */
function isAllUnread(
  before: ReadonlySet<string> | undefined,
  unread: ReadonlySet<string>,
): boolean {
  return before !== undefined && [...before].every((key) => unread.has(key));
}

/** The newest message of a conversation, when it came just now, from somebody else. */
function newsOf(item: ThreadItem, knownSeq: number, me: string): Message | undefined {
  const last = item.lastMessage;
  if (last === undefined || last.sender_id === me || last.kind === "system") return undefined;
  if (last.seq <= knownSeq || item.unreadCount === 0 || last.deleted_at) return undefined;
  if (item.thread !== undefined && isMutedNow(item.thread)) return undefined;
  return Date.now() - Date.parse(last.created_at) > FRESH ? undefined : last;
}
