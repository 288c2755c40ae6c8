// A link into a group: what it leads to, and the way in.

import { hasCode, type InviteSight, joinByInvite, lookAtInvite } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { type ReactNode, useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { useLocation } from "wouter";
import { t } from "../i18n";
import { wordsOf } from "../lib/errors";
import { forgetInvite, inviteKept, onInvite } from "../session/invite";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Icon } from "../ui/icons";

type Sight =
  | { readonly type: "looking" }
  | { readonly type: "seen"; readonly invite: InviteSight }
  | { readonly type: "failed"; readonly error: unknown };

const LOOKING: Sight = { type: "looking" };

export default function Join() {
  const token = useSyncExternalStore(onInvite, inviteKept);
  return (
    <div className="flex flex-1 flex-col overflow-auto p-4">
      <div className="m-auto w-full max-w-[400px] rounded-[16px] border border-border bg-surface p-6 text-center sm:p-8">
        {token === null ? <Nowhere /> : <Link key={token} token={token} />}
      </div>
    </div>
  );
}

function Link({ token }: { readonly token: string }) {
  const client = useClient();
  const [sight, setSight] = useState(LOOKING);
  const [tries, setTries] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another try looks again.
  useEffect(() => {
    let isOver = false;
    lookAtInvite(client, token).then(
      (invite) => isOver || setSight({ type: "seen", invite }),
      (error: unknown) => isOver || setSight({ type: "failed", error }),
    );
    return () => {
      isOver = true;
    };
  }, [client, token, tries]);
  const again = () => {
    setSight(LOOKING);
    setTries(tries + 1);
  };
  switch (sight.type) {
    case "looking":
      return <Looking />;
    case "failed":
      return <Failed error={sight.error} again={again} />;
    case "seen":
      return <Seen token={token} invite={sight.invite} />;
  }
}

function Seen({ token, invite }: { readonly token: string; readonly invite: InviteSight }) {
  const client = useClient();
  const [, go] = useLocation();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const { thread_id, participant_count: count } = invite;
  const title = invite.title ?? t("join.unnamed");
  const enter = useCallback(
    (id: string) => {
      // Back leads to where the person was before the link.
      go(`/c/${id}`, { replace: true });
      forgetInvite();
    },
    [go],
  );
  const join = async () => {
    if (isBusy) return;
    setBusy(true);
    setError(undefined);
    try {
      enter((await joinByInvite(client, token)).thread.id);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  if (error !== undefined && leadsNowhere(error)) return <Failed error={error} again={join} />;
  return (
    <>
      <p className="mb-4 text-note text-text2">{t(thread_id ? "join.isIn" : "join.invited")}</p>
      <div className="flex justify-center">
        <Avatar id={token} name={title} picture={null} size="large" />
      </div>
      <h1 dir="auto" className="mt-3 text-title font-[650] tracking-tight wrap-anywhere">
        {title}
      </h1>
      <p className="text-text2">{t("status.members", { count })}</p>
      <p role="alert" className="mt-3 text-note text-danger">
        {error === undefined ? "" : wordsOfLink(error)}
      </p>
      <div className="mt-4 grid gap-2">
        {thread_id ? (
          <Button kind="primary" onClick={() => enter(thread_id)}>
            {t("join.open")}
          </Button>
        ) : (
          <Button kind="primary" onClick={() => void join()}>
            {t("join.do")}
          </Button>
        )}
        <Leave words={t("join.notNow")} />
      </div>
    </>
  );
}

/** A link that leads nowhere, or cannot be looked at now. */
function Failed(props: { readonly error: unknown; readonly again: () => void }) {
  const { error, again } = props;
  if (hasCode(error, "not_found")) return <Nowhere />;
  if (hasCode(error, "forbidden")) return <Plain icon="ban" title="join.out" note="join.outNote" />;
  return (
    <div role="alert">
      <Icon name="warn" className="mx-auto mb-3 size-10 text-danger" />
      <p className="mb-4">{wordsOfLink(error)}</p>
      <div className="grid gap-2">
        <Button kind="primary" onClick={again}>
          {t("error.again")}
        </Button>
        <Leave words={t("chats.back")} />
      </div>
    </div>
  );
}

function Nowhere() {
  return <Plain icon="link" title="join.nowhere" note="join.nowhereNote" />;
}

function Plain(props: {
  readonly icon: "link" | "ban";
  readonly title: "join.nowhere" | "join.out";
  readonly note: "join.nowhereNote" | "join.outNote";
}): ReactNode {
  return (
    <div role="alert">
      <Icon name={props.icon} className="mx-auto mb-3 size-10 text-text2" />
      <h1 className="text-head font-[650]">{t(props.title)}</h1>
      <p className="mt-1 mb-4 text-text2">{t(props.note)}</p>
      <Leave words={t("chats.back")} />
    </div>
  );
}

function Leave({ words }: { readonly words: string }) {
  const [, go] = useLocation();
  const leave = () => {
    go("/", { replace: true });
    forgetInvite();
  };
  return (
    <Button kind="quiet" onClick={leave}>
      {words}
    </Button>
  );
}

/** In the shape of what comes; shown only when it takes a while. */
function Looking() {
  return (
    <div role="status" className="animate-[pop_180ms_150ms_both]">
      <span className="unseen">{t("join.looking")}</span>
      <div className="mx-auto mt-9 size-16 rounded-full bg-sunken" />
      <div className="mx-auto mt-4 h-5 w-48 rounded bg-sunken" />
      <div className="mx-auto mt-3 h-4 w-24 rounded bg-sunken" />
      <div className="mt-9 h-10 rounded-[12px] bg-sunken" />
    </div>
  );
}

function leadsNowhere(error: unknown): boolean {
  return hasCode(error, "not_found") || hasCode(error, "forbidden");
}

function wordsOfLink(error: unknown): string {
  return hasCode(error, "thread_full") ? t("join.full") : wordsOf(error);
}
