import { limits } from "@semel/sdk";
import { useClient, useContacts } from "@semel/sdk/react";
import { type KeyboardEvent, useId, useState } from "react";
import { useNames } from "../conversation/names";
import { t } from "../i18n";
import { wordsOf } from "../lib/errors";
import { matches, wordsFor } from "../lib/search";
import { findPerson } from "../people/find";
import { keepProfile } from "../people/profiles";
import { Avatar } from "./avatar";
import { Icon } from "./icons";

/** People that are offered at once. */
const OFFERED_MAX = 50;

/** Chooses people: those that are known by name; anybody else by exactly their handle, number, address or id. */
export function PeopleField(props: {
  readonly chosen: readonly string[];
  readonly setChosen: (chosen: readonly string[]) => void;
  readonly without?: ReadonlySet<string>;
}) {
  const { chosen, setChosen, without } = props;
  const client = useClient();
  const names = useNames();
  const contacts = useContacts();
  const [typed, setTyped] = useState("");
  const { said, isBusy, find, forget } = useFind();
  const id = useId();
  const isFree = (one: string) =>
    one !== client.userId && !chosen.includes(one) && !without?.has(one);
  const offered = contacts
    .map(({ user }) => user)
    .filter((user) => isFree(user.user_id) && matches(typed, wordsFor(user, names)))
    .slice(0, OFFERED_MAX);
  const plain = typed.trim();
  const isNew = plain !== "" && !offered.some((user) => user.user_id === plain);
  const add = (one: string) => {
    setChosen([...chosen, one]);
    setTyped("");
    document.getElementById(id)?.focus();
  };
  const look = async () => {
    const one = await find(plain);
    if (one !== undefined && isFree(one)) add(one);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && plain !== "") {
      event.preventDefault();
      const exact = offered.find((user) => user.user_id === plain);
      const known = exact ?? (offered.length === 1 ? offered[0] : undefined);
      if (known !== undefined) add(known.user_id);
      else void look();
    } else if (event.key === "Backspace" && typed === "") setChosen(chosen.slice(0, -1));
  };
  return (
    <div>
      {chosen.length > 0 && (
        <ul aria-label={t("new.chosen")} className="mb-2 flex flex-wrap gap-1">
          {chosen.map((one) => (
            <li key={one} className="max-w-full">
              <button
                type="button"
                aria-label={t("new.remove", { name: names(one) })}
                onClick={() => setChosen(chosen.filter((other) => other !== one))}
                className="flex min-h-8 max-w-full items-center gap-1 rounded-full bg-selected ps-3 pe-2 text-note font-semibold text-accent-text"
              >
                <bdi className="truncate">{names(one)}</bdi>
                <Icon name="close" className="size-3.5" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <label htmlFor={id} className="mb-1 block font-semibold">
        {t("new.find")}
      </label>
      <input
        id={id}
        data-first=""
        className="field"
        // What was asked for is answered first.
        readOnly={isBusy}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        aria-describedby={`${id}-help`}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          forget();
        }}
        onKeyDown={onKeyDown}
      />
      <p id={`${id}-help`} className="mt-1 text-note text-text2">
        {t("new.findHelp")}
      </p>
      <p role="status" className="text-note text-text2 not-empty:mt-2">
        {said}
      </p>
      <ul className="-mx-2 mt-2">
        {isNew && (
          <li>
            <button
              type="button"
              disabled={isBusy}
              onClick={() => void look()}
              className="flex min-h-12 w-full items-center gap-3 rounded-[12px] px-2 text-start font-semibold text-accent-text hover:bg-hover"
            >
              <Icon name="search" className="m-1.5 size-5" />
              <span className="min-w-0 truncate">{t("new.findDo", { text: plain })}</span>
            </button>
          </li>
        )}
        {offered.map((user) => (
          <li key={user.user_id}>
            <button
              type="button"
              onClick={() => add(user.user_id)}
              className="flex min-h-12 w-full items-center gap-3 rounded-[12px] px-2 text-start hover:bg-hover"
            >
              <Avatar id={user.user_id} name={names(user.user_id)} size="small" />
              <bdi className="min-w-0 truncate font-semibold">{names(user.user_id)}</bdi>
              {user.handle && (
                <bdi className="min-w-0 truncate text-note text-text2">@{user.handle}</bdi>
              )}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Asks the server for one person. Without a connection an id is taken as it is: what is written to it waits. */
function useFind() {
  const client = useClient();
  const [said, setSaid] = useState("");
  const [isBusy, setBusy] = useState(false);
  const find = async (text: string): Promise<string | undefined> => {
    if (isBusy) return undefined;
    const isId = text.length <= limits.USER_ID_CHARACTERS_MAX && !text.startsWith("@");
    if (isId && client.connection.get().phase !== "online") return text;
    setBusy(true);
    setSaid(t("new.finding"));
    try {
      const user = await findPerson(client, text);
      setSaid(user === undefined ? t("new.nobody") : "");
      if (user?.user_id === client.userId) setSaid(t("operator.self"));
      if (user !== undefined) keepProfile(client, user.user_id, user);
      return user?.user_id;
    } catch (error) {
      setSaid(wordsOf(error));
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  return { said, isBusy, find, forget: () => setSaid("") };
}
