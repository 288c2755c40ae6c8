import type { ThreadItem } from "@semel/sdk";
import { useClient, useConnection, useThreads, useTyping } from "@semel/sdk/react";
import { memo } from "react";
import { Link, useLocation } from "wouter";
import { useNames } from "../conversation/names";
import { locale, t } from "../i18n";
import { layers } from "../layers";
import { shortDate } from "../lib/dates";
import { isMutedNow } from "../lib/muted";
import { isAt, otherOf, pathOfItem } from "../lib/routes";
import { useTitles } from "../people/titles";
import { Avatar } from "../ui/avatar";
import { Button, IconButton } from "../ui/button";
import { Icon } from "../ui/icons";
import { LongList } from "../ui/long-list";
import { preview } from "./preview";

export function ChatList() {
  const threads = useThreads();
  const { phase } = useConnection();
  const { userId } = useClient();
  const titleOf = useTitles();
  const [path] = useLocation();
  const open = threads.find((item) => isAt(path, item, userId))?.key;
  return (
    <>
      <header className="flex h-14 shrink-0 items-center gap-2 ps-4 pe-2">
        <h1 className="flex-1 text-title font-[650] tracking-tight">{t("sections.chats")}</h1>
        <IconButton label={t("chats.new")} onClick={() => layers.open({ type: "new" })}>
          <Icon name="plus" />
        </IconButton>
      </header>
      <SearchField />
      {threads.length > 0 ? (
        <LongList items={threads} keyOf={keyOf} current={open}>
          {(item, tabIndex) => (
            <ChatRow
              item={item}
              title={titleOf(item)}
              isOpen={item.key === open}
              tabIndex={tabIndex}
            />
          )}
        </LongList>
      ) : phase === "connecting" || phase === "syncing" || phase === "idle" ? (
        <Skeleton />
      ) : (
        <div className="m-auto p-6 text-center text-text2">
          <p className="mb-2">{t("chats.empty")}</p>
          <Button kind="primary" onClick={() => layers.open({ type: "new" })}>
            {t("chats.findPeople")}
          </Button>
        </div>
      )}
    </>
  );
}

function SearchField() {
  return (
    <button
      type="button"
      onClick={() => layers.open({ type: "palette" })}
      className="mx-3 mb-2 flex h-10 shrink-0 items-center gap-2 rounded-[10px] bg-sunken px-3 text-text2 hover:bg-hover"
    >
      <Icon name="search" className="size-4" />
      <span className="flex-1 truncate text-start text-[0.875rem]">{t("chats.search")}</span>
      <kbd className="rounded-[5px] border border-border bg-surface px-1.5 font-mono text-meta max-sm:hidden">
        Ctrl K
      </kbd>
    </button>
  );
}

/** The list before it is known, in its final shape; shown only when it takes a while. */
function Skeleton() {
  return (
    <div aria-hidden="true" className="flex-1 animate-[pop_180ms_150ms_both] px-4">
      {[62, 48, 70, 40, 56].map((width) => (
        <div key={width} className="flex h-16 items-center gap-3">
          <div className="size-11 rounded-full bg-sunken" />
          <div className="flex-1 space-y-2">
            <div className="h-3 rounded bg-sunken" style={{ width: `${width}%` }} />
            <div className="h-3 rounded bg-sunken" style={{ width: `${width + 20}%` }} />
          </div>
        </div>
      ))}
    </div>
  );
}

const keyOf = ({ key }: ThreadItem) => key;

const ChatRow = memo(function ChatRow(props: {
  readonly item: ThreadItem;
  readonly title: string;
  readonly isOpen: boolean;
  readonly tabIndex: 0 | -1;
}) {
  const { item, title, isOpen, tabIndex } = props;
  const client = useClient();
  const to = pathOfItem(item, client.userId);
  const other = otherOf(item, client.userId);
  const isSelf = to === "/self";
  return (
    <Link
      href={to}
      tabIndex={tabIndex}
      aria-current={isOpen ? "page" : undefined}
      className="grid min-h-16 grid-cols-[2.75rem_minmax(0,1fr)_auto] items-center @max-[14rem]:grid-cols-[minmax(0,1fr)_auto] gap-x-3 rounded-[12px] p-2 transition-colors duration-[120ms] hover:bg-hover aria-[current]:bg-selected"
    >
      <span className="contents @max-[14rem]:hidden">
        <Avatar
          id={other ?? item.thread?.id ?? item.key}
          name={title}
          picture={other === undefined ? (item.thread?.picture ?? null) : undefined}
          presenceOf={other}
        />
      </span>
      <span className="min-w-0">
        <span className="flex items-center gap-1">
          <span dir="auto" className="min-w-0 truncate text-beside text-name font-semibold">
            {title}
          </span>
          {item.thread !== undefined && isMutedNow(item.thread) && (
            <span role="img" aria-label={t("chats.muted")} title={t("chats.muted")}>
              <Icon name="muted" className="size-3.5 text-text2" />
            </span>
          )}
        </span>
        <LastLine item={item} isSelf={isSelf} />
      </span>
      <span className="flex flex-col items-end gap-1 self-start pt-1">
        <time
          dateTime={item.updatedAt}
          className={`text-tiny tabular-nums ${item.unreadCount > 0 ? "font-semibold text-accent-text" : "text-text2"}`}
        >
          {item.updatedAt && shortDate(item.updatedAt, new Date(), locale(), t("day.yesterday"))}
        </time>
        {item.unreadCount > 0 && <Badge count={item.unreadCount} />}
      </span>
    </Link>
  );
});

export function Badge({ count }: { readonly count: number }) {
  return (
    <span className="h-5 min-w-5 rounded-full bg-accent px-1.5 text-center text-tiny leading-5 font-[650] text-on-accent tabular-nums">
      <span aria-hidden="true">{count > 999 ? "999+" : count}</span>
      <span className="unseen">{t("chats.unread", { count })}</span>
    </span>
  );
}

function LastLine({ item, isSelf }: { readonly item: ThreadItem; readonly isSelf: boolean }) {
  const client = useClient();
  const typing = useTyping(item.thread?.id ?? "");
  const names = useNames(item.thread);
  const first = item.thread?.participants.find((one) => one.user_id === typing[0]);
  const line = "truncate text-beside text-[0.875rem] leading-5 text-text2";
  if (first !== undefined) {
    const text = t("status.typing", { name: names(first.user_id) });
    return <span className={`block ${line} text-accent-text`}>{text}</span>;
  }
  if (item.draft) {
    return (
      <span className={`block ${line}`}>
        <span className="text-danger">{t("chats.draft")}</span> <bdi>{item.draft}</bdi>
      </span>
    );
  }
  const { text, isFailed } = preview(item, client.userId, isSelf, names);
  return (
    <span dir="auto" className={`block ${line} ${isFailed ? "text-danger" : ""}`}>
      {text}
    </span>
  );
}
