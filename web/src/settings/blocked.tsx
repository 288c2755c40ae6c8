import { type Blocked as BlockedPerson, listBlocks, unblockPerson } from "@semel/sdk";
import { useBlocked, useClient } from "@semel/sdk/react";
import { useCallback, useEffect, useState } from "react";
import { useNames } from "../conversation/names";
import { t } from "../i18n";
import { wordsOf } from "../lib/errors";
import { keepProfile } from "../people/profiles";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Part } from "./part";

/** Whom this person has blocked. */
export function Blocked() {
  const client = useClient();
  const names = useNames();
  // Blocks of other devices come by themselves; who they are is asked for.
  const ids = useBlocked();
  const [found, setFound] = useState<readonly BlockedPerson[]>([]);
  const [cursor, setCursor] = useState<string>();
  const [error, setError] = useState("");
  const load = useCallback(
    async (from?: string) => {
      try {
        const { items, next } = await listBlocks(client, from);
        for (const { user } of items) keepProfile(client, user.user_id, user);
        setFound((before) => (from === undefined ? items : [...before, ...items]));
        setCursor(next);
        setError("");
      } catch (problem) {
        setError(wordsOf(problem));
      }
    },
    [client],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is blocked now is listed anew.
  useEffect(() => void load(), [load, ids]);
  const unblock = (user_id: string) =>
    unblockPerson(client, user_id).catch((problem: unknown) => setError(wordsOf(problem)));
  const shown = found.filter(({ user }) => ids.has(user.user_id));
  return (
    <Part title={t("blocked.title")}>
      {shown.length === 0 ? (
        <p className="text-note text-text2">{t("blocked.none")}</p>
      ) : (
        <ul className="divide-y divide-border rounded-[14px] border border-border">
          {shown.map(({ user }) => (
            <li
              key={user.user_id}
              data-blocked={user.user_id}
              className="flex min-h-14 items-center gap-3 ps-3 pe-1"
            >
              <Avatar
                id={user.user_id}
                name={names(user.user_id)}
                picture={user.picture ?? null}
                size="small"
              />
              <bdi className="min-w-0 flex-1 truncate font-semibold">{names(user.user_id)}</bdi>
              <Button
                kind="quiet"
                aria-label={t("blocked.unblockName", { name: names(user.user_id) })}
                onClick={() => void unblock(user.user_id)}
              >
                {t("blocked.unblock")}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {cursor !== undefined && (
        <Button kind="quiet" className="w-full" onClick={() => void load(cursor)}>
          {t("blocked.more")}
        </Button>
      )}
      <p role="alert" className="text-note text-danger">
        {error}
      </p>
    </Part>
  );
}
