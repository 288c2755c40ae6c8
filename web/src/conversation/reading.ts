import type { Thread } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { useCallback, useEffect, useRef } from "react";
import type { VirtualizerHandle } from "virtua";
import type { Place } from "../lib/grouping";

/** Milliseconds for which a message has to be in view to count as read. */
const LOOK = 500;

/** Tells how far was read: what is in view, while somebody looks at this page. The returned function looks again. */
export function useReading(
  thread: Thread | undefined,
  places: readonly Place[],
  list: { readonly current: VirtualizerHandle | null },
  scroller: { readonly current: HTMLElement | null },
  isPlaced: { readonly current: boolean },
  isAtEnd: boolean,
): () => void {
  const client = useClient();
  const timer = useRef(0);
  const latest = useRef({ thread, places });
  latest.current = { thread, places };
  const look = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      const handle = list.current;
      const { thread: of, places: shown } = latest.current;
      if (handle === null || of === undefined || shown.length === 0 || !isPlaced.current) return;
      if (document.visibilityState !== "visible" || !document.hasFocus()) return;
      if ((scroller.current?.clientHeight ?? 0) === 0) return;
      const end = handle.scrollOffset + handle.viewportSize;
      let place = Math.min(shown.length - 1, handle.findItemIndex(end));
      const middle = handle.getItemOffset(place) + handle.getItemSize(place) / 2;
      if (middle > end + 1) place -= 1;
      // What waits has no place in the order yet.
      while (place >= 0 && shown[place]?.row.message.seq === 0) place -= 1;
      const seq = shown[place]?.row.message.seq ?? 0;
      if (seq > of.read_seq) void client.markRead(of.id, seq).catch(() => undefined);
    }, LOOK);
  }, [client, list, scroller, isPlaced]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each of these may bring something new into view.
  useEffect(look, [look, places, isAtEnd, thread]);
  useEffect(() => {
    document.addEventListener("visibilitychange", look);
    addEventListener("focus", look);
    return () => {
      clearTimeout(timer.current);
      document.removeEventListener("visibilitychange", look);
      removeEventListener("focus", look);
    };
  }, [look]);
  return look;
}
