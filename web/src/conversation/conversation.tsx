import { limits, type Message, type Peer, type Row } from "@semel/sdk";
import { useClient, useTimeline } from "@semel/sdk/react";
import { useCallback, useMemo, useRef, useState } from "react";
import { t } from "../i18n";
import { layers } from "../layers";
import { Button } from "../ui/button";
import { Composer, type Mode } from "./composer";
import { Header } from "./header";
import { useNames } from "./names";
import { Strip } from "./strip";
import { Timeline, type TimelineHandle } from "./timeline";

/** One conversation: header, messages, message field. */
export function Conversation({ peer }: { readonly peer: Peer }) {
  const client = useClient();
  const timeline = useTimeline(peer);
  const { thread, rows, isLoaded } = timeline;
  const names = useNames(thread);
  const [mode, setMode] = useState<Mode>({ type: "write" });
  const list = useRef<TimelineHandle>(null);
  const targetOf = useCallback(
    (row: Row) => ({
      thread_id: row.message.thread_id,
      ...(row.message.seq > 0 ? { message_id: row.message.id } : {}),
      ...(row.message.client_id ? { client_id: row.message.client_id } : {}),
    }),
    [],
  );
  const focusWords = useCallback(() => document.getElementById("words")?.focus(), []);
  const act = useMemo(
    () => ({
      reply: (row: Row) => {
        if (row.message.seq > 0) setMode({ type: "reply", to: row.message });
        focusWords();
      },
      edit: (row: Row) => {
        setMode({ type: "edit", row });
        focusWords();
      },
      react: (row: Row, emoji: string) => {
        const known = row.message.reactions.find((one) => one.emoji === emoji);
        const isMine = known?.user_ids.includes(client.userId) ?? false;
        const change = isMine
          ? client.unreact(targetOf(row), emoji)
          : client.react(targetOf(row), emoji);
        void change.catch(() => undefined);
      },
      copy: (row: Row) => void navigator.clipboard?.writeText(row.message.content),
      remove: (row: Row) =>
        layers.open({
          type: "ask",
          title: t("message.deleteAsk"),
          note: t("message.deleteNote"),
          confirm: t("message.delete"),
          act: () => client.remove(targetOf(row)),
        }),
    }),
    [client, targetOf, focusWords],
  );
  const send = (text: string, replyTo: Message | undefined) => {
    client.send(peer, text, replyTo === undefined ? undefined : { reply_to: replyTo.id });
    if (timeline.isLive) list.current?.toEnd();
    else void timeline.jumpToLatest().then(() => list.current?.toEnd());
  };
  const editLast = () => {
    const last = rows.findLast((row) => row.isOwn && !row.message.deleted_at);
    if (last !== undefined) act.edit(last);
  };
  if (isLoaded && "thread_id" in peer && thread === undefined && timeline.error !== undefined) {
    return <NotFound />;
  }
  const me = thread?.participants.find((one) => one.user_id === client.userId);
  const mayWrite = thread?.settings.posting !== "admins" || me?.role !== "participant";
  return (
    <>
      <Header peer={peer} thread={thread} names={names} />
      <Strip />
      <Timeline
        ref={list}
        peer={peer}
        view={timeline}
        names={names}
        act={act}
        onLeave={focusWords}
      />
      {mayWrite ? (
        <Composer
          peer={peer}
          thread={thread}
          mode={mode}
          setMode={setMode}
          names={names}
          send={send}
          edit={(row, text) => void client.edit(targetOf(row), text).catch(() => undefined)}
          editLast={editLast}
          toEnd={() => void timeline.jumpToLatest().then(() => list.current?.toEnd())}
          charactersMax={limits.CONTENT_CHARACTERS_MAX}
        />
      ) : (
        <p className="border-t border-border bg-surface p-4 text-center text-note text-text2">
          {t("composer.adminsOnly")}
        </p>
      )}
    </>
  );
}

function NotFound() {
  return (
    <div className="m-auto p-8 text-center text-text2">
      <p className="mb-3">{t("error.notFound")}</p>
      <Button kind="quiet" onClick={() => layers.open({ type: "palette" })}>
        {t("palette.title")}
      </Button>
    </div>
  );
}
