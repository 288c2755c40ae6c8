import type { Peer, Row } from "@semel/sdk";
import { type TimelineView, useClient } from "@semel/sdk/react";
import {
  type KeyboardEvent,
  type Ref,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type WheelEvent,
} from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { useLocation } from "wouter";
import { t } from "../i18n";
import { layers, type RowActions } from "../layers";
import { placesOf, unreadPlace } from "../lib/grouping";
import { searchedFor, useSearchedFor } from "../searched";
import { Button } from "../ui/button";
import { Icon } from "../ui/icons";
import { Announcer } from "./announcer";
import { Hello } from "./hello";
import type { Names } from "./names";
import { useReading } from "./reading";
import { MessageRow } from "./row";

/** Height of what stands before the first message, in pixels; it never changes, so that nothing moves. */
const EDGE = 48;
/** So close to an end more is loaded, in pixels. */
const AHEAD = 1_200;
/** So close to the end counts as there, in pixels. */
const AT_END = 40;
/** A scroll so soon after the hand moved is meant, in milliseconds. */
const HAND = 800;

export interface TimelineHandle {
  toEnd(): void;
}

/** Where each conversation was left in this tab: a row and how far its top is above the view. */
const anchors = new Map<string, { readonly key: string; readonly above: number }>();

export function Timeline(props: {
  readonly ref: Ref<TimelineHandle>;
  readonly peer: Peer;
  readonly view: TimelineView;
  readonly names: Names;
  readonly act: RowActions;
  readonly onLeave: () => void;
}) {
  const { ref, peer, view, names, act, onLeave } = props;
  const { userId } = useClient();
  const { rows, isLoaded, older, newer, isLive, thread } = view;
  const firstUnread = firstUnreadOf(view);
  const places = useMemo(() => placesOf(rows, firstUnread), [rows, firstUnread]);
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const [path] = useLocation();
  const { isAtEnd, isPlaced, pinned, keepEnd, noticeHand, noticeWheel, onScroll, shift } =
    useScroll(path, view, list, scroller);
  const [focus, setFocus] = useState<string>();
  const [marked, setMarked] = useState<string>();
  const byId = useMemo(() => new Map(rows.map((row) => [row.message.id, row])), [rows]);
  const reading = useReading(thread, places, list, scroller, isPlaced, isAtEnd);

  const toEnd = useCallback(() => {
    pinned.current = true;
    keepEnd();
  }, [pinned, keepEnd]);
  useImperativeHandle(ref, () => ({ toEnd }), [toEnd]);

  const show = useCallback(
    async (row: Row) => {
      pinned.current = false;
      await view.jumpTo(row.message.seq);
      const place = rows.findIndex((one) => one.key === row.key);
      if (place >= 0) list.current?.scrollToIndex(place, { align: "center" });
      setMarked(row.key);
    },
    [view, rows, pinned],
  );
  // Chosen among what was found: the window goes there, then the view.
  const wanted = useSearchedFor();
  useEffect(() => {
    if (wanted === undefined || wanted.thread_id !== thread?.id) return;
    const row = byId.get(wanted.id);
    if (row === undefined) {
      void view.jumpTo(wanted.seq);
      return;
    }
    searchedFor.set(undefined);
    void show(row);
  }, [wanted, thread?.id, byId, show, view.jumpTo]);
  useEffect(() => {
    if (marked === undefined) return;
    const timer = setTimeout(() => setMarked(undefined), 1_600);
    return () => clearTimeout(timer);
  }, [marked]);

  const focused = focus ?? places.at(-1)?.key;
  const focusedPlace = places.findIndex((one) => one.key === focused);
  const onKeyDown = (event: KeyboardEvent) => {
    noticeHand();
    const row = places[focusedPlace]?.row;
    if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!(event.target instanceof HTMLElement) || event.target.dataset["row"] === undefined) return;
    const steps: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10 };
    const step = steps[event.key];
    const last = places.length - 1;
    let to: number | undefined;
    if (step !== undefined) to = Math.min(last, Math.max(0, focusedPlace + step));
    else if (event.key === "Home") to = 0;
    else if (event.key === "End") to = last;
    if (to !== undefined) {
      event.preventDefault();
      const key = places[to]?.key;
      setFocus(key);
      list.current?.scrollToIndex(to, { align: "nearest" });
      requestAnimationFrame(() =>
        scroller.current
          ?.querySelector<HTMLElement>(`[data-row="${CSS.escape(key ?? "")}"]`)
          ?.focus(),
      );
      return;
    }
    if (onRowKey(event.key, row, act)) event.preventDefault();
    if (event.key === "Escape") onLeave();
  };

  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div
        ref={scroller}
        role="log"
        aria-live="off"
        aria-label={t("timeline.label")}
        data-region="timeline"
        className="thin-scroll flex min-h-0 flex-1 flex-col overflow-x-hidden overflow-y-auto [overflow-anchor:none]"
        onWheel={noticeWheel}
        onTouchMove={noticeHand}
        onPointerDown={noticeHand}
        onKeyDown={onKeyDown}
      >
        <div className="grow" />
        <div
          className="grid shrink-0 place-items-center text-note text-text2"
          style={{ height: EDGE }}
        >
          {older === "loading" && t("timeline.older")}
          {older === "missing" && (
            <span>
              {t("timeline.missing")}{" "}
              <Button kind="quiet" onClick={() => void view.loadOlder()}>
                {t("timeline.load")}
              </Button>
            </span>
          )}
          {older === "end" && rows.length > 0 && t("timeline.begin")}
        </div>
        {isLoaded && rows.length === 0 && older === "end" && (
          <Hello peer={peer} thread={thread} names={names} />
        )}
        <Virtualizer
          ref={list}
          scrollRef={scroller}
          shift={shift}
          startMargin={EDGE}
          bufferSize={400}
          onScroll={(offset) => {
            onScroll(offset);
            reading();
          }}
          {...(focusedPlace >= 0 && focus !== undefined ? { keepMounted: [focusedPlace] } : {})}
        >
          {places.map((place) => (
            <MessageRow
              key={place.key}
              place={place}
              names={names}
              me={userId}
              isGroup={thread?.thread_type === "group"}
              quoted={place.row.message.reply_to ? byId.get(place.row.message.reply_to) : undefined}
              unread={view.unreadCount}
              isTabStop={place.key === focused}
              isMarked={place.key === marked}
              act={act}
              show={show}
              onFocus={setFocus}
            />
          ))}
        </Virtualizer>
        {newer === "missing" && (
          <div className="grid h-12 shrink-0 place-items-center text-note text-text2">
            {t("timeline.missing")}
          </div>
        )}
        <div className="h-2 shrink-0" />
      </div>
      {(!isAtEnd || !isLive) && rows.length > 0 && (
        <button
          type="button"
          aria-label={
            view.unreadCount > 0
              ? t("timeline.latestUnread", { count: view.unreadCount })
              : t("timeline.latest")
          }
          onClick={() => void view.jumpToLatest().then(toEnd)}
          className="absolute end-4 bottom-4 grid size-11 animate-pop place-items-center rounded-full border border-border bg-surface text-text2 shadow-float hover:bg-hover"
        >
          <Icon name="down" />
          {view.unreadCount > 0 && (
            <span
              aria-hidden="true"
              className="absolute -top-2 min-w-5 rounded-full bg-accent px-1 text-center text-tiny leading-5 font-semibold text-on-accent"
            >
              {view.unreadCount}
            </span>
          )}
        </button>
      )}
      <Announcer rows={rows} isLive={isLive} names={names} />
    </div>
  );
}

/** Letters that act on the focused message. */
function onRowKey(key: string, row: Row, act: RowActions): boolean {
  const { message, isOwn } = row;
  if (message.kind === "system" || message.deleted_at) return false;
  switch (key.toLowerCase()) {
    case "enter":
      layers.open({ type: "actions", row, act });
      return true;
    case "r":
      act.reply(row);
      return true;
    case "e":
      if (isOwn) act.edit(row);
      return isOwn;
    case "+":
      layers.open({ type: "emoji", chosen: (emoji) => act.react(row, emoji) });
      return true;
    case "c":
      act.copy(row);
      return true;
    case "delete":
      if (isOwn) act.remove(row);
      return isOwn;
    default:
      return false;
  }
}

/**
 * Where the view is. Being at the end is what the person wants: only their hand ends it, never something that came or
 * grew.
 */
function useScroll(
  path: string,
  view: TimelineView,
  list: { readonly current: VirtualizerHandle | null },
  scroller: { readonly current: HTMLDivElement | null },
) {
  const { rows, older, newer, jumpTo } = view;
  const firstUnread = firstUnreadOf(view);
  const [isAtEnd, setAtEnd] = useState(true);
  const pinned = useRef(true);
  const handAt = useRef(0);
  const isPlaced = useRef(false);
  const hasJumped = useRef(false);
  const shown = useRef<readonly Row[]>([]);
  const latest = useRef(view);
  latest.current = view;

  // Not by `scrollToIndex`: that one goes on for a while after it was asked, also against a hand that leaves the end.
  const keepEnd = useCallback(() => {
    const node = scroller.current;
    if (pinned.current && node !== null && latest.current.rows.length > 0)
      node.scrollTop = node.scrollHeight;
  }, [scroller]);

  // Only the very render that adds to the front or takes from it may shift; one that changes the end must not.
  const shift = isMoved(shown.current, rows);

  useLayoutEffect(() => {
    shown.current = rows;
    const handle = list.current;
    if (handle === null || rows.length === 0) return;
    if (isPlaced.current) {
      keepEnd();
      return;
    }
    const isFar = firstUnread !== 0 && (rows[0]?.message.seq ?? 0) > firstUnread;
    if (isFar && older !== "end" && !hasJumped.current) {
      hasJumped.current = true;
      void jumpTo(firstUnread);
    }
    // Without a connection it stays far away: then the newest are shown.
    if (isFar && older !== "end" && older !== "missing") return;
    isPlaced.current = true;
    const unread = unreadPlace(rows, firstUnread);
    const kept = anchors.get(path);
    const place = kept === undefined ? -1 : rows.findIndex((row) => row.key === kept.key);
    if (unread >= 0) {
      pinned.current = false;
      handle.scrollToIndex(unread, { align: "start", offset: -EDGE });
    } else if (firstUnread === 0 && kept !== undefined && place >= 0) {
      pinned.current = false;
      handle.scrollToIndex(place, { align: "start", offset: kept.above });
    } else {
      keepEnd();
    }
    // All of it may fit on the screen: then this is the end.
    requestAnimationFrame(() => {
      const left = handle.scrollSize - handle.viewportSize - handle.scrollOffset;
      const isMeant = performance.now() - handAt.current < HAND;
      if (latest.current.newer === "end" && left < AT_END && !isMeant) pinned.current = true;
    });
  }, [rows, firstUnread, older, jumpTo, path, list, keepEnd]);

  // What came may be little: then there is more to load, without a hand that scrolls.
  // biome-ignore lint/correctness/useExhaustiveDependencies: each of these may bring an end near.
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      if (isPlaced.current && list.current !== null) look(list.current.scrollOffset);
    });
    return () => cancelAnimationFrame(frame);
  }, [rows, older, newer]);

  // What grows inside (rows that turn out taller, a late picture) or takes room (a draft of several lines, the keyboard
  // of a phone) must not take the end away. The list tells its height in its style, before anything is painted.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list is there once there are rows.
  useEffect(() => {
    const node = scroller.current;
    const inside = node?.querySelector(":scope > :has([data-row])");
    if (node === null || !inside) return;
    const height = new MutationObserver(keepEnd);
    height.observe(inside, { attributes: true, attributeFilter: ["style"] });
    const room = new ResizeObserver(keepEnd);
    room.observe(node);
    return () => {
      height.disconnect();
      room.disconnect();
    };
  }, [rows.length === 0, keepEnd]);

  const noticeHand = useCallback(() => {
    handAt.current = performance.now();
  }, []);

  // The view moves before its scroll event comes: what arrives in between must not take it back to the end.
  const noticeWheel = useCallback(
    ({ deltaY }: WheelEvent) => {
      noticeHand();
      const handle = list.current;
      if (deltaY < 0 && handle !== null && handle.scrollSize > handle.viewportSize)
        pinned.current = false;
    },
    [list, noticeHand],
  );

  const look = useCallback(
    (offset: number) => {
      const handle = list.current;
      if (handle === null) return;
      const left = handle.scrollSize - handle.viewportSize - offset;
      // The end of what is loaded is not the end while there is more.
      setAtEnd((newer === "end" && left < AT_END) || pinned.current);
      const first = handle.findItemIndex(offset);
      const key = latest.current.rows[first]?.key;
      if (pinned.current || key === undefined) anchors.delete(path);
      else anchors.set(path, { key, above: offset - handle.getItemOffset(first) });
      if (offset < AHEAD && older === "more") void latest.current.loadOlder();
      if (left < AHEAD && newer === "more") void latest.current.loadNewer();
    },
    [list, path, older, newer],
  );

  // Only what really scrolled says what the person wants: a look in between may find the view where it was before the hand.
  const onScroll = useCallback(
    (offset: number) => {
      const handle = list.current;
      if (handle === null) return;
      const left = handle.scrollSize - handle.viewportSize - offset;
      const isMeant = performance.now() - handAt.current < HAND;
      if (newer === "end" && left < AT_END) pinned.current = true;
      else if (isMeant) pinned.current = false;
      look(offset);
    },
    [list, newer, look],
  );
  return { isAtEnd, isPlaced, pinned, keepEnd, noticeHand, noticeWheel, onScroll, shift };
}

/** Whether rows were added before the first one, or taken away there. */
function isMoved(before: readonly Row[], now: readonly Row[]): boolean {
  const [was, is] = [before[0]?.key, now[0]?.key];
  if (was === undefined || is === undefined || was === is) return false;
  return now.some(({ key }) => key === was) || before.some(({ key }) => key === is);
}

/** Seq of the first message that is new to this person and theirs to see; 0 when there is none. */
function firstUnreadOf({ firstUnreadSeq, thread }: TimelineView): number {
  return firstUnreadSeq === 0 ? 0 : Math.max(firstUnreadSeq, thread?.first_seq ?? 1);
}
