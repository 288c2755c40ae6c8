import { type AuditLine, operatorsOf, type User } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { type FormEvent, useCallback, useEffect, useState } from "react";
import { locale, t } from "../i18n";
import { dateOf } from "../lib/dates";
import { wordsOf } from "../lib/errors";
import { findPerson } from "../people/find";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { askToLift, askToSuspend } from "./deeds";
import { Lines } from "./log";
import { standingIn } from "./standing";

/** Pages of the log in which somebody's deeds are looked for. */
const PAGES_MAX = 4;

/** Finds one person; there is no list of everybody. */
export function FindPerson() {
  const client = useClient();
  const [typed, setTyped] = useState("");
  const [found, setFound] = useState<User>();
  const [said, setSaid] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setSaid("");
    setFound(undefined);
    try {
      const user = await findPerson(client, typed);
      setFound(user);
      if (user === undefined) setSaid(t("operator.nobody"));
    } catch (problem) {
      setSaid(wordsOf(problem));
    }
    setBusy(false);
  };
  return (
    <>
      <form onSubmit={(event) => void submit(event)}>
        <label htmlFor="find-person" className="mb-1 block font-semibold">
          {t("operator.find")}
        </label>
        <div className="flex gap-2">
          <input
            id="find-person"
            required
            className="field"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            aria-describedby="find-person-help"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
          <Button kind="primary" type="submit" disabled={isBusy}>
            {t("operator.findDo")}
          </Button>
        </div>
        <p id="find-person-help" className="mt-1 text-note text-text2">
          {t("operator.findHelp")}
        </p>
      </form>
      <p role="status" className="mt-3 text-text2">
        {said}
      </p>
      {found !== undefined && <Person key={found.user_id} user={found} />}
    </>
  );
}

function Person({ user }: { readonly user: User }) {
  const client = useClient();
  const { user_id, display_name: name } = user;
  const { lines, error, load } = useDeedsAbout(user_id);
  const standing = standingIn(lines, user_id);
  const isSelf = user_id === client.userId;
  return (
    <section
      className="mt-2 rounded-[14px] border border-border bg-surface p-4"
      data-person={user_id}
    >
      <div className="flex items-center gap-3">
        <Avatar id={user_id} name={name} size="head" picture={user.picture ?? null} />
        <div className="min-w-0 flex-1">
          <h2 className="flex flex-wrap items-center gap-x-2 text-head font-[650]">
            <bdi className="wrap-anywhere">{name}</bdi>
            {standing.type === "suspended" && (
              <span className="rounded-full bg-danger-bg px-2 py-0.5 text-tiny font-semibold text-danger">
                {t("operator.isSuspended")}
              </span>
            )}
          </h2>
          <p className="text-note wrap-anywhere text-text2">
            <bdi>{user_id}</bdi>
            {user.handle && (
              <>
                {" · "}
                <bdi>@{user.handle}</bdi>
              </>
            )}
            {" · "}
            {t("operator.here", { when: dateOf(user.created_at, locale()) })}
          </p>
        </div>
      </div>
      {isSelf ? (
        <p className="mt-3 text-note text-text2">{t("operator.self")}</p>
      ) : (
        <div className="mt-3 -ms-3 flex flex-wrap gap-2">
          {standing.type !== "suspended" && (
            <Button kind="danger" onClick={() => askToSuspend(client, user_id, name, load)}>
              {t("operator.suspendDo")}
            </Button>
          )}
          {standing.type !== "good" && (
            <Button kind="quiet" onClick={() => askToLift(client, user_id, name, load)}>
              {t("operator.liftDo")}
            </Button>
          )}
        </div>
      )}
      <p role="alert" className="text-note text-danger">
        {error}
      </p>
      {lines.length > 0 && (
        <>
          <h3 className="mt-4 text-note font-semibold text-text2">{t("operator.deeds")}</h3>
          <Lines lines={lines} />
        </>
      )}
    </section>
  );
}

/** The newest deeds about somebody. */
function useDeedsAbout(userId: string) {
  const client = useClient();
  const [lines, setLines] = useState<readonly AuditLine[]>([]);
  const [error, setError] = useState("");
  const read = useCallback(async () => {
    const found: AuditLine[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const { items, next } = await operatorsOf(client).audit(cursor);
      found.push(...items.filter(({ user_id }) => user_id === userId));
      cursor = next;
      if (next === undefined) break;
    }
    setLines(found);
    setError("");
  }, [client, userId]);
  const load = useCallback(
    () => void read().catch((problem: unknown) => setError(wordsOf(problem))),
    [read],
  );
  useEffect(load, [load]);
  return { lines, error, load };
}
