// Where the view of a conversation is, and what keeps it there.

import type { Row } from "@semel/sdk";
import type { TimelineView } from "@semel/sdk/react";
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type WheelEvent,
} from "react";
import type { VirtualizerHandle } from "virtua";
import { unreadPlace } from "../lib/grouping";
import { type Anchor, anchorOf, followLeaving, keepAnchor } from "./anchors";

/** Height of what stands before the first message, in pixels; it never changes, so that nothing moves. */
export const EDGE = 48;
/** So close to an end more is loaded, in pixels. */
const AHEAD = 1_200;
/** So close to the end counts as there, in pixels. */
const AT_END = 40;
/** A scroll so soon after the hand moved is meant, in milliseconds. */
const HAND = 800;

/**
 * Where the view is. Being at the end is what the person wants: only their hand ends it, never something that came or
 * grew. A place that was gone to is held until its rows are measured; a hand ends that at once.
 */
export function useScroll(
  view: TimelineView,
  list: { readonly current: VirtualizerHandle | null },
  scroller: { readonly current: HTMLDivElement | null },
) {
  const { rows, older, newer, jumpTo } = view;
  const firstUnread = firstUnreadOf(view);
  // What is new comes before where the conversation was left, by whichever of its addresses.
  const id = view.thread?.id;
  const left = useMemo(() => (id === undefined ? undefined : anchorOf(id)), [id]);
  const goal = firstUnread === 0 ? (left?.seq ?? 0) : firstUnread;
  const [isAtEnd, setAtEnd] = useState(true);
  const held = useRef<"end" | Anchor | undefined>("end");
  // Never, so far: nothing of the first moments of a page is meant.
  const handAt = useRef(Number.NEGATIVE_INFINITY);
  const isEndNow = useRef(true);
  const isPlaced = useRef(false);
  const hasJumped = useRef(false);
  const shown = useRef<readonly Row[]>([]);
  const latest = useRef(view);
  latest.current = view;

  // Not by `scrollToIndex`: that one goes on for a while after it was asked, also against a hand.
  const keep = useCallback(() => {
    const [node, handle, target] = [scroller.current, list.current, held.current];
    const { rows } = latest.current;
    if (node === null || handle === null || target === undefined || rows.length === 0) return;
    if (target === "end") {
      node.scrollTop = node.scrollHeight;
      return;
    }
    const place = rows.findIndex(({ message }) => message.seq === target.seq);
    if (place < 0) return;
    const { above } = target;
    const half = () => (handle.getItemSize(place) - node.clientHeight) / 2 + EDGE;
    node.scrollTop = handle.getItemOffset(place) + (above === "center" ? half() : above);
  }, [list, scroller]);
  const hold = useCallback(
    (target: "end" | Anchor) => {
      held.current = target;
      keep();
    },
    [keep],
  );

  // Only the very render that adds to the front or takes from it may shift; one that changes the end must not.
  const shift = isMoved(shown.current, rows);

  useLayoutEffect(() => {
    const before = shown.current;
    shown.current = rows;
    const handle = list.current;
    if (handle === null || rows.length === 0) return;
    if (isPlaced.current) {
      // A mark that changes moves nothing, and asking the browser where things are is what costs most here.
      if (!isSameEnds(before, rows)) keep();
      return;
    }
    const isFar = goal !== 0 && (rows[0]?.message.seq ?? 0) > goal;
    if (isFar && older !== "end" && !hasJumped.current) {
      hasJumped.current = true;
      void jumpTo(goal);
    }
    // Without a connection it stays far away: then the newest are shown.
    if (isFar && older !== "end" && older !== "missing") return;
    isPlaced.current = true;
    const first = rows[unreadPlace(rows, firstUnread)];
    if (first !== undefined) hold({ seq: first.message.seq, above: 0 });
    else if (left !== undefined && firstUnread === 0 && !isFar) hold(left);
    else keep();
    // All of it may fit on the screen: then this is the end.
    onceMeasured(list, () => {
      const left = handle.scrollSize - handle.viewportSize - handle.scrollOffset;
      const isMeant = performance.now() - handAt.current < HAND;
      if (latest.current.newer === "end" && left < AT_END && !isMeant) held.current = "end";
    });
  }, [rows, goal, left, firstUnread, older, jumpTo, list, keep, hold]);

  // What came may be little: then there is more to load, without a hand that scrolls.
  // biome-ignore lint/correctness/useExhaustiveDependencies: each of these may bring an end near.
  useEffect(() => {
    return onceMeasured(list, () => {
      if (isPlaced.current && list.current !== null) look(list.current.scrollOffset);
    });
  }, [rows, older, newer]);

  // What grows inside (rows that turn out taller, a late picture) or takes room (a draft of several lines, the keyboard
  // of a phone) must not take the end away. The list tells its height in its style, before anything is painted.
  useEffect(() => {
    const node = scroller.current;
    const inside = node?.querySelector("[data-rows]");
    if (node === null || !inside) return;
    const height = new MutationObserver(keep);
    height.observe(inside, { attributes: true, attributeFilter: ["style"] });
    const room = new ResizeObserver(keep);
    room.observe(node);
    return () => {
      height.disconnect();
      room.disconnect();
    };
  }, [scroller, keep]);

  // Before the page goes, and before its rows do. Until the view was placed it is where it was left before.
  useLayoutEffect(() => {
    const node = scroller.current;
    if (node === null || id === undefined) return;
    return followLeaving(() => {
      if (isPlaced.current) keepAnchor(id, isEndNow.current ? undefined : topOf(node));
    });
  }, [id, scroller]);

  const noticeHand = useCallback(() => {
    handAt.current = performance.now();
    if (held.current !== "end") held.current = undefined;
  }, []);

  // The view moves before its scroll event comes: what arrives in between must not take it back to the end.
  const noticeWheel = useCallback(
    ({ deltaY }: WheelEvent) => {
      noticeHand();
      const handle = list.current;
      if (deltaY < 0 && handle !== null && handle.scrollSize > handle.viewportSize)
        held.current = undefined;
    },
    [list, noticeHand],
  );

  const look = useCallback(
    (offset: number) => {
      const handle = list.current;
      if (handle === null) return;
      const left = handle.scrollSize - handle.viewportSize - offset;
      // The end of what is loaded is not the end while there is more.
      const isEnd = (newer === "end" && left < AT_END) || held.current === "end";
      setAtEnd(isEnd);
      isEndNow.current = isEnd;
      latest.current.look(isEnd ? "end" : "back");
      if (offset < AHEAD && older === "more") void latest.current.loadOlder();
      if (left < AHEAD && newer === "more") void latest.current.loadNewer();
    },
    [list, older, newer],
  );

  // Only what really scrolled says what the person wants: a look in between may find the view where it was before the hand.
  const onScroll = useCallback(
    (offset: number) => {
      const handle = list.current;
      if (handle === null) return;
      const left = handle.scrollSize - handle.viewportSize - offset;
      const isMeant = performance.now() - handAt.current < HAND;
      if (newer === "end" && left < AT_END) held.current = "end";
      else if (isMeant) held.current = undefined;
      look(offset);
    },
    [list, newer, look],
  );
  return { isAtEnd, isPlaced, held, hold, handAt, noticeHand, noticeWheel, onScroll, shift };
}

/** In the first frame in which the list knows how much room it has. The returned function takes it back. */
function onceMeasured(list: { readonly current: VirtualizerHandle | null }, work: () => void) {
  const look = () => {
    if (list.current?.viewportSize === 0) frame = requestAnimationFrame(look);
    else work();
  };
  let frame = requestAnimationFrame(look);
  return () => cancelAnimationFrame(frame);
}

/** What is at the top of the view; none when it waits to be sent. */
function topOf(log: HTMLElement): Anchor | undefined {
  const { top } = log.getBoundingClientRect();
  for (const row of log.querySelectorAll<HTMLElement>("[data-row]")) {
    const item = row.parentElement;
    if (item === null || row.getBoundingClientRect().bottom <= top) continue;
    const seq = Number(row.dataset["seq"]);
    return seq === 0 ? undefined : { seq, above: top + EDGE - item.getBoundingClientRect().top };
  }
  return undefined;
}

/** Whether nothing was added or taken away at either end. */
function isSameEnds(before: readonly Row[], now: readonly Row[]): boolean {
  const isAsLong = before.length === now.length;
  return isAsLong && before[0]?.key === now[0]?.key && before.at(-1)?.key === now.at(-1)?.key;
}

/** Whether rows were added before the first one, or taken away there. */
function isMoved(before: readonly Row[], now: readonly Row[]): boolean {
  const [was, is] = [before[0]?.key, now[0]?.key];
  if (was === undefined || is === undefined || was === is) return false;
  return now.some(({ key }) => key === was) || before.some(({ key }) => key === is);
}

/** Seq of the first message that is new to this person and theirs to see; 0 when there is none. */
export function firstUnreadOf({ firstUnreadSeq, thread }: TimelineView): number {
  return firstUnreadSeq === 0 ? 0 : Math.max(firstUnreadSeq, thread?.first_seq ?? 1);
}
