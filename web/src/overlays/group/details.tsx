import type { Thread } from "@semel/sdk";
import { useClient, useThreads } from "@semel/sdk/react";
import { useCallback, useState } from "react";
import { useLocation } from "wouter";
import { t } from "../../i18n";
import { layers } from "../../layers";
import { wordsOf } from "../../lib/errors";
import { rightsIn } from "../../lib/rights";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { AddPeople } from "./add-people";
import { Invites } from "./invites";
import { Members } from "./members";
import { Profile } from "./profile";
import { Rules } from "./rules";

/** Does something that needs the server, and says in the panel what went wrong. Resolves with whether it was done. */
export type Run = (work: () => Promise<unknown>) => Promise<boolean>;

export interface PartProps {
  readonly thread: Thread;
  readonly run: Run;
}

/** A group: what it is about, who may do what, its people, the way out. */
export function Details(props: { readonly opened: Thread; readonly part: "invites" | undefined }) {
  const { opened, part } = props;
  const client = useClient();
  const [, go] = useLocation();
  const [error, setError] = useState("");
  const run: Run = useCallback(async (work) => {
    setError("");
    try {
      await work();
      return true;
    } catch (problem) {
      setError(wordsOf(problem));
      return false;
    }
  }, []);
  const thread = useThreads().find((item) => item.thread?.id === opened.id)?.thread;
  // Not in it any more: nothing of what is here would be done.
  if (thread === undefined) {
    return (
      <Dialog title={t("details.title")} width="21.25rem" side plain>
        <p className="py-6 text-center text-text2">{t("composer.former")}</p>
      </Dialog>
    );
  }
  const rights = rightsIn(thread, client.userId);
  const leave = () =>
    layers.open({
      type: "ask",
      title: t("details.leaveAsk"),
      note: t("details.leaveNote"),
      confirm: t("details.leave"),
      back: { type: "details", thread },
      act: async () => {
        await client.actions.leave(thread.id);
        layers.closeAll();
        go("/");
      },
    });
  return (
    <Dialog title={t("details.title")} width="21.25rem" side>
      <p
        role="alert"
        className="sticky top-0 z-10 -mx-5 bg-danger-bg px-5 text-note text-danger not-empty:py-2"
      >
        {error}
      </p>
      <Profile thread={thread} run={run} mayName={rights.mayName} />
      <Rules thread={thread} run={run} isAdmin={rights.isAdmin} />
      <Members thread={thread} run={run} isAdmin={rights.isAdmin} />
      {rights.mayAdd ? (
        <div className="mt-3">
          <AddPeople thread={thread} run={run} />
          <Invites thread={thread} run={run} isAdmin={rights.isAdmin} isOpen={part === "invites"} />
        </div>
      ) : (
        <p className="mt-2 text-note text-text2">{t("details.adminsAdd")}</p>
      )}
      <Button kind="danger" className="mt-6 -ms-3" onClick={leave}>
        {t("details.leave")}
      </Button>
    </Dialog>
  );
}
