import { limits } from "@semel/sdk";
import { useClient, useContacts } from "@semel/sdk/react";
import { type KeyboardEvent, useId, useState } from "react";
import { t } from "../i18n";
import { matches } from "../lib/search";
import { Avatar } from "./avatar";
import { Icon } from "./icons";

/** People that are offered at once. */
const OFFERED_MAX = 50;

/** Chooses people: those that are known by name, anybody by id. */
export function PeopleField(props: {
  readonly chosen: readonly string[];
  readonly setChosen: (chosen: readonly string[]) => void;
  readonly without?: ReadonlySet<string>;
}) {
  const { chosen, setChosen, without } = props;
  const { userId } = useClient();
  const contacts = useContacts();
  const [typed, setTyped] = useState("");
  const id = useId();
  const names = new Map(contacts.map(({ user }) => [user.user_id, user.display_name]));
  const isFree = (one: string) => one !== userId && !chosen.includes(one) && !without?.has(one);
  const offered = contacts
    .map(({ user }) => user)
    .filter((user) => isFree(user.user_id) && matches(typed, [user.display_name, user.user_id]))
    .slice(0, OFFERED_MAX);
  const plain = typed.trim();
  const isId = plain !== "" && plain.length <= limits.USER_ID_CHARACTERS_MAX && isFree(plain);
  const isNew = isId && !offered.some((user) => user.user_id === plain);
  const add = (one: string) => {
    setChosen([...chosen, one]);
    setTyped("");
    document.getElementById(id)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && plain !== "") {
      event.preventDefault();
      const best = isId ? plain : offered[0]?.user_id;
      const known = offered.length === 1 && offered[0]?.user_id !== plain ? offered[0] : undefined;
      const one = known?.user_id ?? best;
      if (one !== undefined) add(one);
    } else if (event.key === "Backspace" && typed === "") setChosen(chosen.slice(0, -1));
  };
  return (
    <div>
      {chosen.length > 0 && (
        <ul aria-label={t("new.chosen")} className="mb-2 flex flex-wrap gap-1">
          {chosen.map((one) => (
            <li key={one}>
              <button
                type="button"
                aria-label={t("new.remove", { name: names.get(one) ?? one })}
                onClick={() => setChosen(chosen.filter((other) => other !== one))}
                className="flex min-h-8 items-center gap-1 rounded-full bg-selected ps-3 pe-2 text-note font-semibold text-accent-text"
              >
                <bdi>{names.get(one) ?? one}</bdi>
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
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        aria-describedby={`${id}-help`}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <p id={`${id}-help`} className="mt-1 text-note text-text2">
        {t("new.findHelp")}
      </p>
      <ul className="mt-2">
        {isNew && (
          <li>
            <Line id={plain} name={t("new.add", { id: plain })} add={() => add(plain)} />
          </li>
        )}
        {offered.map((user) => (
          <li key={user.user_id}>
            <Line id={user.user_id} name={user.display_name} add={() => add(user.user_id)} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Line(props: { readonly id: string; readonly name: string; readonly add: () => void }) {
  return (
    <button
      type="button"
      onClick={props.add}
      className="flex min-h-12 w-full items-center gap-3 rounded-[12px] px-2 text-start hover:bg-hover"
    >
      <Avatar id={props.id} name={props.id} size="small" />
      <bdi className="min-w-0 truncate font-semibold">{props.name}</bdi>
    </button>
  );
}
