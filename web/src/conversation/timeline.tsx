import type { Message, Peer, Row } from "@semel/sdk";
import { type TimelineView, useClient } from "@semel/sdk/react";
import {
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useCallback,
  useEffect,
  useImperativeHandle,
  useMemo,
  useRef,
  useState,
} from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { t } from "../i18n";
import { layers, type RowActions } from "../layers";
import { type Place, placesOf } from "../lib/grouping";
import { searchedFor, useSearchedFor } from "../searched";
import { useHasSynced } from "../session/connected";
import { Button } from "../ui/button";
import { useFaces } from "../ui/faces";
import { Icon } from "../ui/icons";
import { Announcer } from "./announcer";
import { DatePill, type DatePillHandle } from "./date-pill";
import { Hello } from "./hello";
import type { Names } from "./names";
import { useReading } from "./reading";
import { MessageRow } from "./row";
import { EDGE, firstUnreadOf, useScroll } from "./scroll";

/** How far down the pill with the day reaches, in pixels. */
const PILL = 32;

export interface TimelineHandle {
  toEnd(): void;
}

export function Timeline(props: {
  readonly ref: Ref<TimelineHandle>;
  readonly peer: Peer;
  readonly view: TimelineView;
  readonly names: Names;
  readonly act: RowActions;
  readonly onLeave: () => void;
}) {
  const { ref, peer, view, names, act, onLeave } = props;
  const faces = useFaces();
  const { userId } = useClient();
  const { rows, isLoaded, older, newer, isLive, thread } = view;
  const hasSynced = useHasSynced() === "synced";
  const isNew = hasSynced && thread === undefined && !("thread_id" in peer);
  const firstUnread = firstUnreadOf(view);
  const before = useRef<readonly Place[]>([]);
  const places = useMemo(() => placesOf(rows, firstUnread, before.current), [rows, firstUnread]);
  before.current = places;
  const unread = useCountAtDivider(firstUnread, view.unreadCount);
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const pill = useRef<DatePillHandle>(null);
  const { isAtEnd, isPlaced, held, hold, handAt, noticeHand, noticeWheel, onScroll, shift } =
    useScroll(view, list, scroller);
  // Once a hand has moved, and not while the end is held, which is today's or soon said by its separator.
  const showDay = (offset: number) => {
    const handle = list.current;
    if (handle === null || held.current === "end" || handAt.current < 0) return;
    const place = handle.findItemIndex(offset + PILL);
    const top = places[place];
    const isSaid = top?.startsDay && handle.getItemOffset(place) + PILL >= offset;
    pill.current?.show(isSaid ? undefined : top?.row.message.created_at);
  };
  const [focus, setFocus] = useState<string>();
  const [hasFocus, setHasFocus] = useState(false);
  const [marked, setMarked] = useState<string>();
  const byId = useMemo(() => new Map(rows.map((row) => [row.message.id, row])), [rows]);
  const reading = useReading(thread, places, list, scroller, isPlaced, isAtEnd);

  const toEnd = useCallback(() => hold("end"), [hold]);
  useImperativeHandle(ref, () => ({ toEnd }), [toEnd]);

  const latest = useRef({ view, byId });
  latest.current = { view, byId };
  const show = useCallback(
    async ({ id, seq }: Message) => {
      isPlaced.current = true;
      held.current = undefined;
      if (!latest.current.byId.has(id)) await latest.current.view.jumpTo(seq);
      hold({ seq, above: "center" });
      setMarked(id);
    },
    [isPlaced, held, hold],
  );
  // Chosen among what was found: the window goes there, then the view.
  const wanted = useSearchedFor();
  useEffect(() => {
    if (wanted === undefined || wanted.thread_id !== thread?.id) return;
    searchedFor.set(undefined);
    void show(wanted);
  }, [wanted, thread?.id, show]);
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
    if (!(event.target instanceof HTMLElement)) return;
    const message = event.target.closest<HTMLElement>("[data-row]");
    if (message === null) return;
    // On something in the message; Enter is for that.
    const isInside = event.target !== message;
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
    if (event.key === "Escape") {
      if (isInside) message.focus();
      else onLeave();
    } else if (!isInside && onRowKey(event.key, row, act)) event.preventDefault();
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
        onFocus={() => setHasFocus(true)}
        onBlur={(event) => setHasFocus(event.currentTarget.contains(event.relatedTarget))}
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
          as={Rows}
          scrollRef={scroller}
          shift={shift}
          startMargin={EDGE}
          bufferSize={400}
          data={places}
          onScroll={(offset) => {
            onScroll(offset);
            showDay(offset);
            reading();
          }}
          onScrollEnd={() => {
            // What is measured later moves nothing: the list sees to that.
            if (held.current !== "end") held.current = undefined;
          }}
          {...(focusedPlace >= 0 && focus !== undefined ? { keepMounted: [focusedPlace] } : {})}
        >
          {(place: Place) => (
            <MessageRow
              key={place.key}
              place={place}
              names={names}
              faces={faces}
              me={userId}
              isGroup={thread?.thread_type === "group"}
              quoted={place.row.message.reply_to ? byId.get(place.row.message.reply_to) : undefined}
              unread={place.startsUnread ? unread : 0}
              isTabStop={place.key === focused}
              hasFocus={hasFocus && place.key === focused}
              isMarked={place.row.message.id === marked}
              act={act}
              show={show}
              onFocus={setFocus}
            />
          )}
        </Virtualizer>
        {newer === "missing" && (
          <div className="grid h-12 shrink-0 place-items-center text-note text-text2">
            {t("timeline.missing")}
          </div>
        )}
        <div className="h-2 shrink-0" />
      </div>
      <DatePill ref={pill} />
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
      <Announcer {...{ rows, isLive, isLoaded, names, isNew }} last={thread?.last_seq} />
    </div>
  );
}

/** In what the list has its rows, there before any of them is; `useScroll` watches its height. */
function Rows(props: {
  readonly style: CSSProperties;
  readonly children: ReactNode;
  readonly ref?: Ref<HTMLDivElement>;
}) {
  return <div data-rows="" {...props} />;
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
      act.reply?.(row);
      return true;
    case "e":
      if (isOwn) act.edit?.(row);
      return isOwn;
    case "+":
      if (act.react !== undefined && row.failure === undefined) {
        const { react } = act;
        layers.open({ type: "emoji", chosen: (emoji) => react(row, emoji) });
      }
      return true;
    case "c":
      act.copy(row);
      return true;
    case "delete":
      if (isOwn) act.remove?.(row);
      return isOwn;
    default:
      return false;
  }
}

/** How many were new when the divider was drawn: reading them does not make them fewer. */
function useCountAtDivider(seq: number, count: number): number {
  const drawn = useRef({ seq, count });
  if (drawn.current.seq !== seq) drawn.current = { seq, count };
  else if (count > drawn.current.count) drawn.current.count = count;
  return drawn.current.count;
}
