import { useContacts } from "@semel/sdk/react";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { useNames } from "../conversation/names";
import { t } from "../i18n";
import { layers } from "../layers";
import { pathOfUser } from "../lib/routes";
import { matches, wordsFor } from "../lib/search";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { LongList } from "../ui/long-list";
import { Presence } from "../ui/presence";

/** Everybody this person has to do with; each leads to the same conversation as the list of chats. */
export function People() {
  const contacts = useContacts();
  const [filter, setFilter] = useState("");
  const names = useNames();
  const [path] = useLocation();
  const shown = contacts
    .filter(({ user }) => matches(filter, wordsFor(user, names)))
    .sort((a, b) => names(a.user.user_id).localeCompare(names(b.user.user_id)));
  return (
    <>
      <header className="flex h-14 shrink-0 items-center px-4">
        <h1 className="text-title font-[650] tracking-tight">{t("people.title")}</h1>
      </header>
      <div className="px-3 pb-2">
        <input
          type="search"
          className="field"
          aria-label={t("people.filter")}
          placeholder={t("people.filter")}
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
      </div>
      {shown.length === 0 ? (
        <div className="m-auto p-6 text-center text-text2">
          <p className="mb-2">{t(contacts.length === 0 ? "people.empty" : "people.none")}</p>
          <Button kind="quiet" onClick={() => layers.open({ type: "new" })}>
            {t("chats.new")}
          </Button>
        </div>
      ) : (
        <LongList
          items={shown}
          keyOf={({ user }) => user.user_id}
          current={shown.find(({ user }) => path === pathOfUser(user.user_id))?.user.user_id}
        >
          {({ user }, tabIndex) => (
            <Link
              href={pathOfUser(user.user_id)}
              tabIndex={tabIndex}
              className="flex min-h-14 items-center gap-3 rounded-[12px] p-2 hover:bg-hover"
            >
              <Avatar
                id={user.user_id}
                name={names(user.user_id)}
                picture={user.picture ?? null}
                presenceOf={user.user_id}
              />
              <span className="min-w-0">
                <span dir="auto" className="block truncate text-beside font-semibold">
                  {names(user.user_id)}
                </span>
                <span className="block truncate text-note text-text2">
                  <Presence
                    userId={user.user_id}
                    otherwise={user.about ?? (user.handle ? `@${user.handle}` : user.user_id)}
                  />
                </span>
              </span>
            </Link>
          )}
        </LongList>
      )}
    </>
  );
}
