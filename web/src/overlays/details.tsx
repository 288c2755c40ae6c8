import { limits, type Participant, type Thread } from "@semel/sdk";
import { useClient, useThreads } from "@semel/sdk/react";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { t } from "../i18n";
import { layers } from "../layers";
import { wordsOf } from "../lib/errors";
import { Avatar } from "../ui/avatar";
import { Button, IconButton } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icons";
import { PeopleField } from "../ui/people-field";
import { Presence } from "../ui/presence";

/** A group: its title, its people, the way out. */
export function Details({ opened }: { readonly opened: Thread }) {
  const client = useClient();
  const [, go] = useLocation();
  const live = useThreads().find((item) => item.thread?.id === opened.id)?.thread;
  const thread = live ?? opened;
  const [error, setError] = useState("");
  const isAdmin = thread.participants.some(
    (one) => one.user_id === client.userId && one.role === "admin",
  );
  const run = async (work: () => Promise<unknown>) => {
    setError("");
    try {
      await work();
    } catch (problem) {
      setError(wordsOf(problem));
    }
  };
  const leave = () =>
    layers.open({
      type: "ask",
      title: t("details.leaveAsk"),
      note: t("details.leaveNote"),
      confirm: t("details.leave"),
      act: async () => {
        await client.actions.leave(thread.id);
        go("/");
      },
    });
  return (
    <Dialog title={t("details.title")} width="340px" side>
      <p role="alert" className="text-note text-danger">
        {error}
      </p>
      {isAdmin && <Title thread={thread} run={run} />}
      <h3 className="mt-4 mb-1 font-semibold">
        {t("details.members")} <span className="text-text2">{thread.participant_count}</span>
      </h3>
      <Members thread={thread} isAdmin={isAdmin} run={run} />
      {isAdmin && <AddPeople thread={thread} run={run} />}
      <Button kind="danger" className="mt-6 w-full" onClick={leave}>
        {t("details.leave")}
      </Button>
    </Dialog>
  );
}

type Run = (work: () => Promise<unknown>) => Promise<void>;

function Title({ thread, run }: { readonly thread: Thread; readonly run: Run }) {
  const client = useClient();
  const [title, setTitle] = useState(thread.title ?? "");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run(() => client.actions.change(thread.id, { title: title.trim() }));
  };
  return (
    <form onSubmit={submit}>
      <label htmlFor="thread-title" className="mb-1 block font-semibold">
        {t("details.rename")}
      </label>
      <div className="flex gap-2">
        <input
          id="thread-title"
          className="field"
          dir="auto"
          maxLength={limits.TITLE_CHARACTERS_MAX}
          value={title}
          onChange={(event) => setTitle(event.target.value)}
        />
        <Button kind="quiet" type="submit">
          {t("details.save")}
        </Button>
      </div>
    </form>
  );
}

function Members(props: { readonly thread: Thread; readonly isAdmin: boolean; readonly run: Run }) {
  const { thread, isAdmin, run } = props;
  const client = useClient();
  const [more, setMore] = useState<readonly Participant[]>([]);
  const [cursor, setCursor] = useState<string>();
  const known = new Set(thread.participants.map((one) => one.user_id));
  const people = [...thread.participants, ...more.filter((one) => !known.has(one.user_id))];
  const loadMore = () =>
    run(async () => {
      const page = await client.actions.participants(thread.id, cursor);
      setMore([...more, ...page.items]);
      setCursor(page.next);
    });
  const remove = ({ user_id, display_name: name }: Participant) =>
    layers.open({
      type: "ask",
      title: t("details.removeAsk", { name }),
      note: "",
      confirm: t("details.remove", { name }),
      act: async () => void (await client.actions.remove(thread.id, user_id)),
    });
  return (
    <>
      <ul>
        {people.map((one) => (
          <li key={one.user_id} className="flex min-h-14 items-center gap-3">
            <Avatar
              id={one.user_id}
              name={one.display_name}
              size="small"
              presenceOf={one.user_id}
            />
            <span className="min-w-0 flex-1">
              <bdi className="block truncate font-semibold">{one.display_name}</bdi>
              <span className="block truncate text-note text-text2">
                {one.role === "admin" ? t("details.admin") : <Presence userId={one.user_id} />}
              </span>
            </span>
            {isAdmin && one.user_id !== client.userId && (
              <>
                {one.role !== "admin" && (
                  <IconButton
                    label={t("details.makeAdmin", { name: one.display_name })}
                    onClick={() =>
                      void run(() => client.actions.changeRole(thread.id, one.user_id, "admin"))
                    }
                  >
                    <Icon name="check" />
                  </IconButton>
                )}
                <IconButton
                  label={t("details.remove", { name: one.display_name })}
                  onClick={() => remove(one)}
                >
                  <Icon name="close" />
                </IconButton>
              </>
            )}
          </li>
        ))}
      </ul>
      {people.length < thread.participant_count && (
        <Button kind="quiet" className="w-full" onClick={() => void loadMore()}>
          {t("details.more")}
        </Button>
      )}
    </>
  );
}

function AddPeople({ thread, run }: { readonly thread: Thread; readonly run: Run }) {
  const client = useClient();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const without = new Set(thread.participants.map((one) => one.user_id));
  return (
    <details className="mt-3">
      <summary className="min-h-10 content-center font-semibold text-accent-text">
        {t("details.addPeople")}
      </summary>
      <PeopleField chosen={chosen} setChosen={setChosen} without={without} />
      <Button
        kind="primary"
        className="mt-2"
        disabled={chosen.length === 0}
        onClick={() =>
          void run(async () => {
            await client.actions.expand(thread.id, chosen, { on_conflict: "keep_separate" });
            setChosen([]);
          })
        }
      >
        {t("details.add")}
      </Button>
    </details>
  );
}
