// Notifications of the system, one for each conversation. Only what comes while the page is connected and not looked at.

import { useClient, useConnection, useThreads } from "@semel/sdk/react";
import { useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { pathOfItem } from "./lib/routes";
import { useLook } from "./look";

/** Milliseconds after which a message is no news any more: what was missed is not told one by one. */
const FRESH = 30_000;

export function useNotices(): void {
  const { userId } = useClient();
  const threads = useThreads();
  const { phase } = useConnection();
  const { notices } = useLook();
  const [, go] = useLocation();
  const known = useRef<Map<string, number>>(undefined);
  useEffect(() => {
    const before = known.current;
    known.current = new Map(threads.map((item) => [item.key, item.lastMessage?.seq ?? 0]));
    if (before === undefined || phase !== "online" || notices === "off") return;
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    if (document.visibilityState === "visible" && document.hasFocus()) return;
    for (const item of threads) {
      const last = item.lastMessage;
      if (last === undefined || last.sender_id === userId || last.kind === "system") continue;
      if (last.seq <= (before.get(item.key) ?? 0) || item.unreadCount === 0) continue;
      if (Date.now() - Date.parse(last.created_at) > FRESH) continue;
      // All tabs say the same tag: the browser shows one.
      const notice = new Notification(item.title, { body: last.content, tag: item.key });
      notice.onclick = () => {
        focus();
        go(pathOfItem(item, userId));
        notice.close();
      };
    }
  }, [threads, phase, notices, userId, go]);
}
