import { useContacts } from "@semel/sdk/react";
import { useState } from "react";
import { Link } from "wouter";
import { t } from "../i18n";
import { layers } from "../layers";
import { pathOfUser } from "../lib/routes";
import { matches } from "../lib/search";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Presence } from "../ui/presence";

/** Everybody this person has to do with; each leads to the same conversation as the list of chats. */
export function People() {
  const contacts = useContacts();
  const [filter, setFilter] = useState("");
  const shown = contacts.filter(({ user }) => matches(filter, [user.display_name, user.user_id]));
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
        <ul className="thin-scroll min-h-0 flex-1 overflow-auto px-2 pb-2">
          {shown.map(({ user }) => (
            <li key={user.user_id}>
              <Link
                href={pathOfUser(user.user_id)}
                className="flex min-h-14 items-center gap-3 rounded-[12px] p-2 hover:bg-hover"
              >
                <Avatar id={user.user_id} name={user.display_name} presenceOf={user.user_id} />
                <span className="min-w-0">
                  <span dir="auto" className="block truncate text-start font-semibold">
                    {user.display_name}
                  </span>
                  <span className="block truncate text-note text-text2">
                    <Presence userId={user.user_id} otherwise={user.about ?? user.user_id} />
                  </span>
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
