import type { Thread } from "@semel/sdk";
import { type RefObject, useEffect, useState } from "react";
import { t } from "../i18n";
import { matches } from "../lib/search";
import { Avatar } from "../ui/avatar";
import type { Names } from "./names";

/** People who are offered at once. */
const OFFERED_MAX = 6;

/** What was typed after an `@` that ends at the caret. */
export function mentionAt(
  text: string,
  caret: number,
): { readonly typed: string; readonly from: number } | undefined {
  const found = /(?:^|\s)@([\p{L}\p{N}_.-]*)$/u.exec(text.slice(0, caret));
  const typed = found?.[1];
  return typed === undefined ? undefined : { typed, from: caret - typed.length - 1 };
}

/** People of the conversation of whom a name begins so. The field keeps the focus: arrows choose, Enter and Tab take. */
export function Mentions(props: {
  readonly typed: string;
  readonly thread: Thread;
  readonly me: string;
  readonly names: Names;
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly choose: (name: string) => void;
}) {
  const { typed, thread, me, names, field, choose } = props;
  const [place, setPlace] = useState(0);
  const [isClosed, setClosed] = useState(false);
  const people = thread.participants
    .map((one) => ({ ...one, name: names(one.user_id) }))
    .filter(
      ({ user_id, name, display_name }) =>
        user_id !== me && matches(typed, [name, display_name, user_id]),
    )
    .slice(0, OFFERED_MAX);
  const isOpen = people.length > 0 && !isClosed;
  const chosen = Math.min(place, people.length - 1);
  useEffect(() => {
    const area = field.current;
    if (area === null || !isOpen) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.isComposing) return;
      if (event.key === "ArrowDown") setPlace((chosen + 1) % people.length);
      else if (event.key === "ArrowUp") setPlace((chosen + people.length - 1) % people.length);
      else if (event.key === "Enter" || event.key === "Tab") {
        const one = people[chosen];
        if (one !== undefined) choose(one.user_id);
      } else if (event.key === "Escape") setClosed(true);
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    // Before the field's own keys.
    area.addEventListener("keydown", onKey, true);
    area.setAttribute("aria-controls", "mentions");
    area.setAttribute("aria-activedescendant", `mention-${chosen}`);
    return () => {
      area.removeEventListener("keydown", onKey, true);
      area.removeAttribute("aria-controls");
      area.removeAttribute("aria-activedescendant");
    };
  });
  if (!isOpen) return null;
  return (
    <div
      id="mentions"
      role="listbox"
      tabIndex={-1}
      aria-label={t("composer.mentions")}
      className="absolute start-4 bottom-full mb-3 w-72 max-w-[calc(100%-2rem)] animate-pop rounded-[12px] border border-border bg-surface p-1 shadow-float"
    >
      {people.map((one, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the field has the focus and the keys.
        <div
          key={one.user_id}
          id={`mention-${index}`}
          role="option"
          aria-selected={index === chosen}
          onClick={() => choose(one.user_id)}
          className="flex min-h-11 items-center gap-2 rounded-[8px] px-2 aria-selected:bg-selected"
        >
          <Avatar id={one.user_id} name={one.name} size="small" />
          <bdi className="truncate font-semibold">{one.name}</bdi>
          <bdi className="truncate text-note text-text2">{one.user_id}</bdi>
        </div>
      ))}
    </div>
  );
}
