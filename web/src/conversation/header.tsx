import type { Peer, Thread } from "@semel/sdk";
import { useClient, useThreads, useTyping } from "@semel/sdk/react";
import { Link } from "wouter";
import { t } from "../i18n";
import { layers } from "../layers";
import { Avatar } from "../ui/avatar";
import { IconButton } from "../ui/button";
import { Icon } from "../ui/icons";
import { Presence } from "../ui/presence";
import type { Names } from "./names";

export function Header(props: {
  readonly peer: Peer;
  readonly thread: Thread | undefined;
  readonly names: Names;
}) {
  const { peer, thread, names } = props;
  const { userId } = useClient();
  const unread = useThreads().filter((item) => item.unreadCount > 0).length;
  const other = otherPerson(peer, thread, userId);
  const title = titleOf(peer, thread, names, other);
  return (
    <header className="flex h-14 shrink-0 items-center gap-3 border-b border-border bg-surface pe-2 ps-2 sm:ps-4">
      <Link
        href="/"
        aria-label={unread > 0 ? t("chats.backUnread", { count: unread }) : t("chats.back")}
        className="flex min-h-10 min-w-10 items-center justify-center rounded-[12px] text-accent-text hover:bg-hover sm:hidden"
      >
        <Icon name="back" />
        {unread > 0 && <span className="pe-1 text-tiny font-semibold">{unread}</span>}
      </Link>
      <Avatar id={other ?? thread?.id ?? title} name={title} size="head" presenceOf={other} />
      <div className="min-w-0 flex-1">
        <h1 dir="auto" className="truncate text-start text-head font-[650]">
          {title}
        </h1>
        <p className="truncate text-note text-text2">
          <Subtitle thread={thread} other={other} names={names} />
        </p>
      </div>
      {thread !== undefined && (
        <>
          <IconButton
            label={t("details.search")}
            onClick={() => layers.open({ type: "palette", thread_id: thread.id })}
          >
            <Icon name="search" />
          </IconButton>
          {thread.thread_type === "group" && (
            <IconButton
              label={t("details.open")}
              onClick={() => layers.open({ type: "details", thread })}
            >
              <Icon name="info" />
            </IconButton>
          )}
        </>
      )}
    </header>
  );
}

export function otherPerson(
  peer: Peer,
  thread: Thread | undefined,
  me: string,
): string | undefined {
  if ("user_id" in peer) return peer.user_id === me ? undefined : peer.user_id;
  if (thread?.thread_type !== "direct") return undefined;
  return thread.participants.find((one) => one.user_id !== me)?.user_id;
}

export function titleOf(
  peer: Peer,
  thread: Thread | undefined,
  names: Names,
  other: string | undefined,
): string {
  if ("self" in peer || thread?.thread_type === "self") return t("chats.self");
  if (other !== undefined) return names(other);
  return thread?.title ?? thread?.participants.map((one) => one.display_name).join(", ") ?? "…";
}

function Subtitle(props: {
  readonly thread: Thread | undefined;
  readonly other: string | undefined;
  readonly names: Names;
}) {
  const { thread, other, names } = props;
  const typing = useTyping(thread?.id ?? "");
  const [first] = typing;
  if (first !== undefined && typing.length === 1) {
    return <span className="text-accent-text">{t("status.typing", { name: names(first) })}</span>;
  }
  if (typing.length > 1) {
    const text = t("status.typingMany", { count: typing.length });
    return <span className="text-accent-text">{text}</span>;
  }
  if (other !== undefined) return <Presence userId={other} otherwise={other} />;
  if (thread?.thread_type === "group")
    return t("status.members", { count: thread.participant_count });
  return "";
}
