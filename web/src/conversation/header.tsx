import type { Peer, Thread } from "@semel/sdk";
import { useClient, useThreads, useTyping } from "@semel/sdk/react";
import { Link } from "wouter";
import { t } from "../i18n";
import { type Layer, layers, useDocked } from "../layers";
import { titleOfGroup } from "../people/titles";
import { Avatar } from "../ui/avatar";
import { IconButton } from "../ui/button";
import { Icon } from "../ui/icons";
import { Presence } from "../ui/presence";
import type { Names } from "./names";

export function Header(props: {
  readonly peer: Peer;
  readonly thread: Thread | undefined;
  readonly isFormer: boolean;
  readonly names: Names;
}) {
  const { peer, thread, isFormer, names } = props;
  const { userId } = useClient();
  const unread = useThreads().filter((item) => item.unreadCount > 0).length;
  const other = otherPerson(peer, thread, userId);
  const title = titleOf(peer, thread, names, other);
  const isKnown = thread !== undefined || !("thread_id" in peer);
  const isBeside = useDocked() !== undefined;
  const details = detailsOf(thread, other, isFormer);
  return (
    <header className="@container flex h-14 shrink-0 items-center gap-[min(0.75rem,2vw)] border-b border-border bg-surface pe-2 ps-2 sm:ps-4">
      <Link
        href="/"
        aria-label={unread > 0 ? t("chats.backUnread", { count: unread }) : t("chats.back")}
        className="flex min-h-10 min-w-10 items-center justify-center rounded-[12px] text-accent-text hover:bg-hover sm:hidden"
      >
        <Icon name="back" />
        {unread > 0 && <span className="pe-1 text-tiny font-semibold">{unread}</span>}
      </Link>
      <span className={isKnown ? "contents @max-[16rem]:hidden" : "hidden"}>
        <Avatar
          id={other ?? thread?.id ?? title}
          name={title}
          size="head"
          picture={other === undefined ? (thread?.picture ?? null) : undefined}
          presenceOf={other}
        />
      </span>
      <div className="min-w-0 flex-1">
        <h1 dir="auto" className="truncate text-beside text-head font-[650]">
          {title}
        </h1>
        <p className="truncate text-note text-text2">
          <Subtitle thread={thread} other={other} names={names} title={title} />
        </p>
      </div>
      {thread !== undefined && (
        <span className="contents @max-[14rem]:hidden">
          <IconButton
            label={t("details.search")}
            onClick={() => layers.open({ type: "palette", thread_id: thread.id })}
          >
            <Icon name="search" />
          </IconButton>
        </span>
      )}
      {details !== undefined && (
        <IconButton
          label={t("details.open")}
          aria-expanded={isBeside}
          onClick={() => (isBeside ? layers.undock() : layers.open(details))}
        >
          <Icon name="info" />
        </IconButton>
      )}
    </header>
  );
}

function detailsOf(
  thread: Thread | undefined,
  other: string | undefined,
  isFormer: boolean,
): Layer | undefined {
  if (other !== undefined) return { type: "person", user_id: other };
  return thread?.thread_type === "group" && !isFormer ? { type: "details", thread } : undefined;
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
  return thread === undefined ? "…" : titleOfGroup(thread, (one) => names(one.user_id));
}

function Subtitle(props: {
  readonly thread: Thread | undefined;
  readonly other: string | undefined;
  readonly names: Names;
  readonly title: string;
}) {
  const { thread, other, names, title } = props;
  const typing = useTyping(thread?.id ?? "");
  const [first] = typing;
  if (first !== undefined && typing.length === 1) {
    return <span className="text-accent-text">{t("status.typing", { name: names(first) })}</span>;
  }
  if (typing.length > 1) {
    const text = t("status.typingMany", { count: typing.length });
    return <span className="text-accent-text">{text}</span>;
  }
  if (other !== undefined)
    return <Presence userId={other} otherwise={other === title ? "" : other} />;
  if (thread?.thread_type === "group")
    return t("status.members", { count: thread.participant_count });
  return "";
}
