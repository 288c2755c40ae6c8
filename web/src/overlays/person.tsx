import {
  blockPerson,
  changePreferences,
  limits,
  nameContact,
  type Thread,
  unblockPerson,
} from "@semel/sdk";
import { useBlocked, useClient, useContacts, useOwnNames, useThreads } from "@semel/sdk/react";
import { type FormEvent, useEffect, useId, useState } from "react";
import { Link, useLocation } from "wouter";
import { useNames } from "../conversation/names";
import { t } from "../i18n";
import { layers } from "../layers";
import { wordsOf } from "../lib/errors";
import { isMutedNow } from "../lib/muted";
import { otherOf, pathOfUser, peerOf } from "../lib/routes";
import { keepProfile, useProfile } from "../people/profiles";
import { useTitles } from "../people/titles";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icons";
import { Presence } from "../ui/presence";

/** Somebody: who they are, what they are called here, and what this person wants to hear of them. */
export function PersonDetails({ userId }: { readonly userId: string }) {
  const client = useClient();
  const [path] = useLocation();
  const names = useNames();
  const found = useProfile(userId);
  const user = found === "nobody" ? undefined : found;
  const isContact = useContacts().some((one) => one.user.user_id === userId);
  const isBlocked = useBlocked().has(userId);
  const threads = useThreads();
  const thread = threads.find((item) => otherOf(item, client.userId) === userId)?.thread;
  const [error, setError] = useState("");
  const run = (work: Promise<unknown>) =>
    work.then(
      () => setError(""),
      (problem: unknown) => setError(wordsOf(problem)),
    );
  // What the device holds may be older than what they say of themselves now.
  useEffect(() => {
    client.actions.user(userId).then(
      (now) => keepProfile(client, userId, now),
      () => undefined,
    );
  }, [client, userId]);
  const name = names(userId);
  const isAt = peerOf(path);
  const isHere =
    path === pathOfUser(userId) || (isAt && "thread_id" in isAt && isAt.thread_id === thread?.id);
  return (
    <Dialog title={t("details.title")} width="21.25rem" side>
      <p
        role="alert"
        className="sticky top-0 z-10 -mx-5 bg-danger-bg px-5 text-note text-danger not-empty:py-2"
      >
        {error}
      </p>
      <div className="flex flex-col items-center gap-1 text-center" data-person={userId}>
        <Avatar id={userId} name={name} size="large" />
        <p dir="auto" className="mt-1 max-w-full text-head font-[650] wrap-anywhere">
          {name}
        </p>
        {user !== undefined && user.display_name !== name && (
          <p className="max-w-full text-note wrap-anywhere text-text2">
            {t("person.callsThemselves", { name: user.display_name })}
          </p>
        )}
        <p className="max-w-full text-note wrap-anywhere text-text2">
          {user?.handle ? <bdi>@{user.handle}</bdi> : <bdi>{userId}</bdi>}
        </p>
        <p className="text-note text-text2">
          <Presence userId={userId} />
        </p>
        {user?.about && (
          <p dir="auto" className="mt-2 w-full text-start whitespace-pre-wrap wrap-anywhere">
            {user.about}
          </p>
        )}
        {!isHere && (
          <Link
            href={pathOfUser(userId)}
            onClick={() => layers.closeAll()}
            className="mt-2 inline-flex min-h-10 items-center gap-2 rounded-[12px] bg-accent px-4 font-semibold text-on-accent hover:brightness-110"
          >
            <Icon name="chats" />
            {t("person.write")}
          </Link>
        )}
      </div>
      {isContact && <OwnName key={name} userId={userId} run={run} />}
      {thread !== undefined && <Mute thread={thread} run={run} />}
      <Common userId={userId} />
      <div className="mt-6 -mx-3 flex flex-col">
        {isBlocked ? (
          <Button
            kind="quiet"
            className="!justify-start"
            onClick={() => void run(unblockPerson(client, userId))}
          >
            <Icon name="ban" />
            {t("person.unblock")}
          </Button>
        ) : (
          <Button kind="danger" className="!justify-start" onClick={() => askToBlock(userId, name)}>
            <Icon name="ban" />
            {t("person.block")}
          </Button>
        )}
        <Button
          kind="danger"
          className="!justify-start"
          onClick={() => layers.open({ type: "report", about: { user_id: userId } })}
        >
          <Icon name="flag" />
          {t("person.report")}
        </Button>
      </div>
    </Dialog>
  );

  function askToBlock(whom: string, called: string): void {
    layers.open({
      type: "ask",
      title: t("person.blockAsk", { name: called }),
      note: t("person.blockNote"),
      confirm: t("person.blockDo"),
      back: { type: "person", user_id: whom },
      act: () => blockPerson(client, whom),
    });
  }
}

type Run = (work: Promise<unknown>) => Promise<void>;

function OwnName({ userId, run }: { readonly userId: string; readonly run: Run }) {
  const client = useClient();
  const id = useId();
  const kept = useOwnNames().get(userId) ?? "";
  const [typed, setTyped] = useState(kept);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim() !== kept) void run(nameContact(client, userId, typed.trim()));
  };
  return (
    <form className="mt-5" onSubmit={submit}>
      <label htmlFor={id} className="mb-1 block font-semibold">
        {t("person.ownName")}
      </label>
      <div className="flex gap-2">
        <input
          id={id}
          className="field min-w-0"
          dir="auto"
          autoComplete="off"
          maxLength={limits.NAME_CHARACTERS_MAX}
          aria-describedby={`${id}-help`}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <Button kind="quiet" type="submit" disabled={typed.trim() === kept}>
          {t("details.save")}
        </Button>
      </div>
      <p id={`${id}-help`} className="mt-1 text-note text-text2">
        {t("person.ownNameHelp")}
      </p>
    </form>
  );
}

function Mute({ thread, run }: { readonly thread: Thread; readonly run: Run }) {
  const client = useClient();
  const isMuted = isMutedNow(thread);
  // Shown at once; what the thread says comes with the answer, to all devices.
  const [wanted, setWanted] = useState<boolean>();
  useEffect(() => {
    if (wanted === isMuted) setWanted(undefined);
  }, [wanted, isMuted]);
  const set = (muted: boolean) => {
    setWanted(muted);
    const done = changePreferences(client, thread.id, { muted });
    done.catch(() => setWanted(undefined));
    void run(done);
  };
  return (
    <label className="mt-4 flex min-h-10 items-center gap-3">
      <input
        type="checkbox"
        className="size-5 accent-accent"
        checked={wanted ?? isMuted}
        onChange={(event) => set(event.target.checked)}
      />
      {t("person.mute")}
    </label>
  );
}

/** Groups of which this device knows that both are in them. */
function Common({ userId }: { readonly userId: string }) {
  const titleOf = useTitles();
  const groups = useThreads().filter(
    ({ thread }) =>
      thread?.thread_type === "group" && thread.participants.some((one) => one.user_id === userId),
  );
  if (groups.length === 0) return null;
  return (
    <section className="mt-5">
      <h3 className="mb-1 font-semibold">{t("person.groups")}</h3>
      <ul>
        {groups.map((item) => (
          <li key={item.key}>
            <Link
              href={`/c/${item.thread?.id}`}
              onClick={() => layers.closeAll()}
              className="flex min-h-12 items-center gap-3 rounded-[12px] hover:bg-hover"
            >
              <Avatar
                id={item.thread?.id ?? item.key}
                name={titleOf(item)}
                picture={item.thread?.picture ?? null}
                size="small"
              />
              <bdi className="min-w-0 truncate">{titleOf(item)}</bdi>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
