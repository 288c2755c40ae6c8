import { type Lookup, lookUp, type Message, type Row, type RowState } from "@semel/sdk";
import { useClient, useObservable } from "@semel/sdk/react";
import { useMemo } from "react";
import { locale, t } from "../i18n";
import { layers } from "../layers";
import { timeOf } from "../lib/dates";
import { isEmojiOnly, partsOf } from "../lib/text";
import type { RowProps } from "./row";

/** The words of a message with everything that hangs on them. */
export function Bubble(props: RowProps & { readonly sender: string }) {
  const { place, isGroup, hasFocus, quoted, names, me, act, show, sender } = props;
  const tabIndex = hasFocus ? 0 : -1;
  const { row, startsGroup, endsGroup } = place;
  const { message, isOwn } = row;
  const isDeleted = Boolean(message.deleted_at);
  const isLarge = !isDeleted && isEmojiOnly(message.content);
  const shape = isOwn
    ? `bg-out ${startsGroup ? "" : "rounded-se-[6px]"} ${endsGroup ? "" : "rounded-ee-[6px]"}`
    : `bg-in ${startsGroup ? "" : "rounded-ss-[6px]"} ${endsGroup ? "" : "rounded-es-[6px]"}`;
  const onTap = () => {
    if (!isDeleted && matchMedia("(hover: none)").matches) {
      layers.open({ type: "actions", row, act });
    }
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: for touch; keys are handled by the list.
    <div
      onClick={onTap}
      className={`min-w-0 rounded-[18px] px-3 pt-[7px] pb-1.5 wrap-anywhere ${shape} ${isNew(row) ? "animate-rise" : ""}`}
    >
      {isGroup && !isOwn && startsGroup && (
        <p dir="auto" className="text-beside text-note font-[650] text-accent-text">
          {sender}
        </p>
      )}
      {message.reply_to && !isDeleted && (
        <Quote
          of={message.reply_to}
          in={message.thread_id}
          {...{ quoted, names, me, show, tabIndex }}
        />
      )}
      <span
        dir="auto"
        data-text=""
        className={`whitespace-pre-wrap ${isDeleted ? "text-text2 italic" : ""} ${isLarge ? "text-[2rem] leading-10" : ""}`}
      >
        {isDeleted ? wordsIn(message) : <Words text={message.content} tabIndex={tabIndex} />}
      </span>
      <Meta row={row} isBesideLarge={isLarge} />
      {message.reactions.length > 0 && (
        <div className="clear-both flex flex-wrap gap-1 pt-1">
          {message.reactions.map(({ emoji, count, user_ids }) => (
            <button
              key={emoji}
              type="button"
              tabIndex={tabIndex}
              aria-pressed={user_ids.includes(me)}
              aria-label={t("message.reaction", {
                emoji,
                count,
                names: user_ids
                  .map((one) => (one === me ? t("message.you") : names(one)))
                  .join(", "),
              })}
              title={user_ids.map(names).join(", ")}
              disabled={act.react === undefined}
              onClick={(event) => {
                event.stopPropagation();
                act.react?.(row, emoji);
              }}
              className="h-7 rounded-full border border-border bg-surface px-2 text-tiny text-text aria-pressed:border-accent aria-pressed:bg-selected disabled:opacity-100"
            >
              {emoji} {count}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

/** What was said, or what became of it. */
export function wordsIn(message: Message): string {
  if (!message.deleted_at) return message.content;
  return t(message.removed ? "message.removed" : "message.deleted");
}

/** Written by this person a moment ago. */
function isNew(row: Row): boolean {
  return row.isOwn && (row.state === "queued" || row.state === "sending");
}

function Words({ text, tabIndex }: { readonly text: string; readonly tabIndex: number }) {
  const parts = useMemo(() => partsOf(text, mentionable(text)), [text]);
  return parts.map((part, place) => {
    // Parts of one text have no other identity than their place.
    const key = `${place}`;
    if (part.type === "link") {
      return (
        <a
          key={key}
          href={part.href}
          tabIndex={tabIndex}
          target="_blank"
          rel="noreferrer noopener"
          className="text-link underline underline-offset-2"
        >
          {part.text}
        </a>
      );
    }
    if (part.type === "mention") {
      return (
        <bdi key={key} className="rounded-[4px] bg-mention px-0.5 font-semibold">
          {part.text}
        </bdi>
      );
    }
    return part.text;
  });
}

/** Words after an `@`: who is meant is for the sender to know. */
function mentionable(text: string): string[] {
  return [...text.matchAll(/@([\p{L}\p{N}_.-]*[\p{L}\p{N}])/gu)].map((found) => found[1] ?? "");
}

interface QuoteProps {
  readonly names: (id: string) => string;
  readonly me: string;
  readonly tabIndex: number;
  readonly show: (message: Message) => Promise<void>;
}

/** What a message answers: among the rows, else looked up, however far away it is. */
function Quote(
  props: QuoteProps & {
    readonly of: string;
    readonly in: string;
    readonly quoted: Row | undefined;
  },
) {
  const { quoted, of, in: thread_id, ...rest } = props;
  if (quoted === undefined) return <FarQuote {...rest} of={of} in={thread_id} />;
  return <QuoteButton {...rest} message={quoted.message} state="found" />;
}

function FarQuote(props: QuoteProps & { readonly of: string; readonly in: string }) {
  const { of, in: thread_id, ...rest } = props;
  const client = useClient();
  const lookup = useMemo(() => lookUp(client, thread_id, of), [client, thread_id, of]);
  return <QuoteButton {...rest} {...useObservable(lookup)} />;
}

/** Two lines, whatever is in it: what is looked up later moves nothing. */
function QuoteButton(props: QuoteProps & Lookup) {
  const { message, state, names, me, tabIndex, show } = props;
  const sender = message?.sender_id ?? "";
  return (
    <button
      type="button"
      tabIndex={tabIndex}
      disabled={message === undefined}
      title={message && t("message.original")}
      data-quote={state}
      onClick={(event) => {
        event.stopPropagation();
        if (message !== undefined) void show(message);
      }}
      className="mb-1 block min-h-9 w-full border-s-[3px] border-accent ps-2 text-start text-note text-text2 disabled:opacity-100"
    >
      {message === undefined ? (
        state !== "looking" && t(state === "gone" ? "message.quoteGone" : "message.gone")
      ) : (
        <>
          <bdi className="block truncate text-beside font-semibold text-accent-text">
            {sender === me ? t("message.you") : names(sender)}
          </bdi>
          <bdi className="block truncate text-beside">{wordsIn(message)}</bdi>
        </>
      )}
    </button>
  );
}

function Meta({ row, isBesideLarge }: { readonly row: Row; readonly isBesideLarge: boolean }) {
  const { message, isOwn, state } = row;
  return (
    <span
      className={`float-end ms-3 flex items-center gap-1 text-meta leading-[1.375rem] tabular-nums ${isBesideLarge ? "mt-4.5" : ""} ${isOwn ? "text-out-meta" : "text-text2"}`}
    >
      {message.edited_at && !message.deleted_at && <span>{t("message.edited")}</span>}
      <time dateTime={message.created_at}>{timeOf(message.created_at, locale())}</time>
      {isOwn && state !== "received" && <Tick state={state} />}
    </span>
  );
}

const ticks: Record<Exclude<RowState, "received">, string> = {
  queued: "M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11zM8 5v3l2 1.500",
  sending: "M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11zM8 5v3l2 1.500",
  stored: "M3 8.500l3 3 7-7",
  delivered: "M1 8.500l3 3 7-7M8 10.500l1 1 7-7",
  read: "M1 8.500l3 3 7-7M8 10.500l1 1 7-7",
  failed: "M8 2.500v7M8 13v.01",
};

function Tick({ state }: { readonly state: Exclude<RowState, "received"> }) {
  const isWaiting = state === "queued" || state === "sending";
  const label = t(`message.${state}`);
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox="0 0 17 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.6}
      strokeLinecap="round"
      strokeLinejoin="round"
      // On a good network the clock would only flash.
      className={`h-3.5 w-[15px] ${isWaiting ? "animate-[pop_120ms_300ms_both]" : ""} ${state === "read" ? "text-accent-text" : ""} ${state === "failed" ? "text-danger" : ""}`}
    >
      <title>{label}</title>
      <path d={ticks[state]} />
    </svg>
  );
}
