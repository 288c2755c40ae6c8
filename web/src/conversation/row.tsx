import type { Message, Row } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { memo } from "react";
import { locale, t } from "../i18n";
import { layers, type RowActions } from "../layers";
import { dayName, timeOf } from "../lib/dates";
import { wordsOfFailure } from "../lib/errors";
import type { Place } from "../lib/grouping";
import { Avatar } from "../ui/avatar";
import type { Faces } from "../ui/faces";
import { Icon, type IconName } from "../ui/icons";
import { Bubble, wordsIn } from "./bubble";
import type { Names } from "./names";

export interface RowProps {
  readonly place: Place;
  readonly names: Names;
  readonly faces: Faces;
  readonly me: string;
  readonly isGroup: boolean;
  /** What it answers, when that is loaded. */
  readonly quoted: Row | undefined;
  /** How many are new, where the divider stands before this one; the others are not drawn again when it changes. */
  readonly unread: number;
  /** The one row that Tab leads to. */
  readonly isTabStop: boolean;
  /** The keyboard is in it: now Tab leads through what is in it. */
  readonly hasFocus: boolean;
  readonly isMarked: boolean;
  readonly act: RowActions;
  readonly show: (message: Message) => Promise<void>;
  readonly onFocus: (key: string) => void;
}

/** A message, with the separators that stand before it. */
export const MessageRow = memo(function MessageRow(props: RowProps) {
  const { place, names, faces, isGroup, isTabStop, hasFocus, isMarked, act, onFocus } = props;
  const tabIndex = hasFocus ? 0 : -1;
  const { row, startsDay, startsGroup, endsGroup, startsUnread } = place;
  const { message, isOwn } = row;
  const isSystem = message.kind === "system";
  const sender = isOwn ? t("message.you") : names(message.sender_id);
  return (
    <div className="@container mx-auto w-full max-w-[768px] px-2.5 sm:px-4">
      {startsDay && <Day at={message.created_at} />}
      {startsUnread && <Unread count={props.unread} />}
      {/* biome-ignore lint/a11y/useSemanticElements: the whole message is one stop for the keyboard. */}
      <div
        role="article"
        data-row={row.key}
        data-seq={message.seq}
        data-state={row.state}
        data-own={isOwn ? "" : undefined}
        data-marked={isMarked ? "" : undefined}
        aria-label={nameOf(row, sender)}
        tabIndex={isTabStop ? 0 : -1}
        onFocus={() => onFocus(row.key)}
        className={`group relative scroll-my-16 rounded-[18px] ${startsGroup ? "pt-3" : "pt-0.5"} ${isMarked ? "bg-mention" : ""} transition-colors duration-[240ms]`}
      >
        {isSystem ? (
          <p dir="auto" className="px-6 text-center text-note text-text2">
            {message.content}
          </p>
        ) : (
          <div className={`flex items-end gap-2 ${isOwn ? "justify-end" : ""}`}>
            {!isOwn && isGroup && (
              <span className={`max-sm:hidden ${endsGroup ? "" : "invisible"}`}>
                <Avatar
                  id={message.sender_id}
                  name={sender}
                  picture={faces(message.sender_id)}
                  size="small"
                />
              </span>
            )}
            <div
              className={`flex min-w-0 max-w-[86%] items-center gap-1 sm:max-w-[min(36rem,82%)] ${isOwn ? "flex-row-reverse" : ""}`}
            >
              <Bubble {...props} sender={sender} />
              {!message.deleted_at && <Tools {...{ row, act, tabIndex }} />}
            </div>
          </div>
        )}
        {(row.failure !== undefined || row.failedChange !== undefined) && (
          <Failed {...{ row, act, tabIndex }} />
        )}
      </div>
    </div>
  );
});

function nameOf(row: Row, sender: string): string {
  const { message, isOwn, state } = row;
  const text = wordsIn(message);
  const time = timeOf(message.created_at, locale());
  if (!isOwn || state === "received") return t("message.nameOther", { sender, text, time });
  return t("message.name", { sender, text, time, state: t(`message.${state}`) });
}

function Day({ at }: { readonly at: string }) {
  const words = { today: t("day.today"), yesterday: t("day.yesterday") };
  return (
    <div className="flex justify-center pt-4 pb-1">
      <span className="rounded-full border border-border bg-surface px-3 py-0.5 text-tiny font-semibold text-text2">
        {dayName(at, new Date(), locale(), words)}
      </span>
    </div>
  );
}

function Unread({ count }: { readonly count: number }) {
  const line = "h-px flex-1 bg-accent opacity-40";
  return (
    <div
      data-unread=""
      className="flex items-center gap-3 pt-3 text-tiny font-[650] text-accent-text"
    >
      <span className={line} />
      {t("timeline.new", { count: Math.max(1, count) })}
      <span className={line} />
    </div>
  );
}

interface PartProps {
  readonly row: Row;
  readonly act: RowActions;
  readonly tabIndex: 0 | -1;
}

/** For the pointer and for Tab; the keyboard has letters and Enter as well, touch has a tap on the message. */
function Tools({ row, act, tabIndex }: PartProps) {
  const { react, reply } = act;
  return (
    // Where there is little room they lie over the edge of the message: beside it they would leave it no room.
    <div
      data-tools=""
      className="flex opacity-0 transition-opacity duration-[120ms] group-focus-within:opacity-100 group-hover:opacity-100 @max-[30rem]:pointer-events-none @max-[30rem]:absolute @max-[30rem]:end-1 @max-[30rem]:-top-3 @max-[30rem]:z-10 @max-[30rem]:rounded-[10px] @max-[30rem]:border @max-[30rem]:border-border @max-[30rem]:bg-surface @max-[30rem]:group-focus-within:pointer-events-auto @max-[30rem]:group-hover:pointer-events-auto [@media(hover:none)]:hidden"
    >
      {react !== undefined && row.failure === undefined && (
        <Tool
          tabIndex={tabIndex}
          icon="smile"
          label={t("message.react")}
          run={() => layers.open({ type: "emoji", chosen: (emoji) => react(row, emoji) })}
        />
      )}
      {reply !== undefined && (
        <Tool tabIndex={tabIndex} icon="reply" label={t("message.reply")} run={() => reply(row)} />
      )}
      <Tool
        tabIndex={tabIndex}
        icon="more"
        label={t("message.more")}
        run={() => layers.open({ type: "actions", row, act })}
      />
    </div>
  );
}

function Tool(props: {
  readonly tabIndex: 0 | -1;
  readonly icon: IconName;
  readonly label: string;
  readonly run: () => void;
}) {
  const { tabIndex, icon, label, run } = props;
  return (
    <button
      type="button"
      tabIndex={tabIndex}
      className="grid size-8 place-items-center rounded-[8px] text-text2 hover:bg-hover hover:text-text"
      aria-label={label}
      title={label}
      onClick={run}
    >
      <Icon name={icon} className="size-4" />
    </button>
  );
}

/** What was given up: why, and what can be done. */
function Failed({ row, act, tabIndex }: PartProps) {
  const client = useClient();
  const failure = row.failure ?? row.failedChange;
  const id = row.failedChange?.client_id ?? row.message.client_id ?? "";
  const { edit } = act;
  const isWhole = row.failure !== undefined;
  const give = () => (isWhole ? client.remove({ client_id: id }) : client.dismiss(id));
  const button = {
    type: "button",
    tabIndex,
    className: "min-h-6 px-1 font-semibold underline",
  } as const;
  return (
    <div className="flex flex-wrap items-center justify-end gap-x-2 pt-0.5 text-tiny text-danger">
      <span>
        {t(isWhole ? "message.failed" : "message.failedChange")}:{" "}
        {failure !== undefined && wordsOfFailure(failure)}
      </span>
      <button {...button} onClick={() => void client.retry(id)}>
        {t("message.retry")}
      </button>
      {isWhole && edit !== undefined && (
        <button {...button} onClick={() => edit(row)}>
          {t("message.edit")}
        </button>
      )}
      <button {...button} onClick={() => void give()}>
        {t(isWhole ? "message.delete" : "message.dismiss")}
      </button>
    </div>
  );
}
