import { limits, type Peer, type Row, type Target, type Thread, unblockPerson } from "@semel/sdk";
import { useBlocked, useClient, useTimeline } from "@semel/sdk/react";
import { type ReactNode, useCallback, useMemo, useRef, useState } from "react";
import { t } from "../i18n";
import { layers, type RowActions } from "../layers";
import { wordsOf } from "../lib/errors";
import { rightsIn } from "../lib/rights";
import { searchedFor } from "../searched";
import { useIsOperator } from "../session/operator-right";
import { Button } from "../ui/button";
import { Composer, type Mode } from "./composer";
import { modeOfDraft } from "./draft";
import { Header, otherPerson } from "./header";
import { Missing, useMissing } from "./missing";
import { type Names, useNames } from "./names";
import { Timeline, type TimelineHandle } from "./timeline";

/** One conversation: header, messages, message field. */
export function Conversation({ peer }: { readonly peer: Peer }) {
  const client = useClient();
  const timeline = useTimeline(peer);
  const { thread, rows, isLoaded, isFormer } = timeline;
  const mayWrite = !isFormer && (thread === undefined || rightsIn(thread, client.userId).mayWrite);
  const names = useNames(thread);
  const isOperator = useIsOperator();
  const [mode, setMode] = useState<Mode>(() => modeOfDraft(client, peer));
  const list = useRef<TimelineHandle>(null);
  const focusWords = useCallback(() => document.getElementById("words")?.focus(), []);
  const shown = useRef(rows);
  shown.current = rows;
  const act = useMemo((): RowActions => {
    const original = ({ message }: Row) =>
      searchedFor.set(shown.current.find((one) => one.message.id === message.reply_to)?.message);
    const copy = (row: Row) => void navigator.clipboard?.writeText(row.message.content);
    const removeAsOperator = ({ message }: Row) =>
      void import("../operator/deeds").then(({ askToRemoveMessage }) =>
        askToRemoveMessage(client, message.thread_id, message.id),
      );
    const report = ({ message }: Row) => layers.open({ type: "report", about: message });
    const always = isOperator ? { copy, original, removeAsOperator } : { copy, original };
    if (isFormer) return always;
    const reply = (row: Row) => {
      if (row.message.seq > 0) setMode({ type: "reply", id: row.message.id });
      focusWords();
    };
    const edit = (row: Row) => {
      setMode({ type: "edit", row });
      focusWords();
    };
    const react = (row: Row, emoji: string) => {
      const known = row.message.reactions.find((one) => one.emoji === emoji);
      const isMine = known?.user_ids.includes(client.userId) ?? false;
      const change = isMine
        ? client.unreact(targetOf(row), emoji)
        : client.react(targetOf(row), emoji);
      void change.catch(() => undefined);
    };
    const remove = (row: Row) =>
      layers.open({
        type: "ask",
        title: t("message.deleteAsk"),
        note: t("message.deleteNote"),
        confirm: t("message.delete"),
        act: () => client.remove(targetOf(row)),
      });
    return { ...always, react, remove, report, ...(mayWrite ? { reply, edit } : {}) };
  }, [client, focusWords, isFormer, mayWrite, isOperator]);
  const send = (text: string, reply_to: string | undefined) => {
    client.send(peer, text, reply_to === undefined ? undefined : { reply_to });
    if (timeline.isLive) list.current?.toEnd();
    else void timeline.jumpToLatest().then(() => list.current?.toEnd());
  };
  const editLast = () => {
    const last = rows.findLast((row) => row.isOwn && !row.message.deleted_at);
    if (last !== undefined) act.edit?.(last);
  };
  const other = otherPerson(peer, thread, client.userId);
  const isBlocked = useBlocked().has(other ?? "");
  // What was there once stays on the screen, whatever is on its way.
  const wasThere = useRef(false);
  wasThere.current ||= thread !== undefined || rows.length > 0;
  const missing = useMissing(peer, isLoaded && !wasThere.current);
  if (missing !== undefined) {
    return (
      <>
        <Header peer={peer} thread={thread} isFormer={isFormer} names={names} />
        <Missing what={missing} peer={peer} />
      </>
    );
  }
  return (
    <>
      <Header peer={peer} thread={thread} isFormer={isFormer} names={names} />
      <Timeline
        ref={list}
        peer={peer}
        view={timeline}
        names={names}
        act={act}
        onLeave={focusWords}
      />
      {other !== undefined && isBlocked ? (
        <NoWritingToBlocked userId={other} names={names} />
      ) : thread !== undefined && !mayWrite ? (
        <NoWriting thread={thread} isFormer={isFormer} />
      ) : (
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
      )}
    </>
  );
}

function targetOf({ message }: Row): Target {
  return {
    thread_id: message.thread_id,
    ...(message.seq > 0 ? { message_id: message.id } : {}),
    ...(message.client_id ? { client_id: message.client_id } : {}),
  };
}

/** In the place of the message field: why nothing can be written, and who could change that. */
function NoWriting(props: { readonly thread: Thread; readonly isFormer: boolean }) {
  const { thread, isFormer } = props;
  return (
    <InPlaceOfWords>
      <p>{t(isFormer ? "composer.former" : "composer.adminsOnly")}</p>
      {!isFormer && (
        <Button kind="quiet" onClick={() => layers.open({ type: "details", thread })}>
          {t("composer.whoAdmins")}
        </Button>
      )}
    </InPlaceOfWords>
  );
}

/** Whom this person has blocked they write to when they want to again. */
function NoWritingToBlocked(props: { readonly userId: string; readonly names: Names }) {
  const { userId, names } = props;
  const client = useClient();
  const [error, setError] = useState("");
  const unblock = () =>
    unblockPerson(client, userId).catch((problem: unknown) => setError(wordsOf(problem)));
  return (
    <InPlaceOfWords>
      <p>{error || t("composer.blocked", { name: names(userId) })}</p>
      <Button kind="quiet" onClick={() => void unblock()}>
        {t("person.unblock")}
      </Button>
    </InPlaceOfWords>
  );
}

function InPlaceOfWords({ children }: { readonly children: ReactNode }) {
  return (
    <div
      data-region="composer"
      className="flex min-h-14 shrink-0 flex-wrap items-center justify-center gap-x-2 border-t border-border bg-surface px-4 pt-2 pb-[max(8px,env(safe-area-inset-bottom))] text-center text-note text-text2"
    >
      {children}
    </div>
  );
}
