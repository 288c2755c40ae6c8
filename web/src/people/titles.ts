import type { Participant, Thread, ThreadItem } from "@semel/sdk";
import { useClient, useOwnNames } from "@semel/sdk/react";
import { useCallback } from "react";
import { locale, t } from "../i18n";
import { otherOf } from "../lib/routes";

/** People whose names are in a title that nobody chose. */
const NAMED = 3;

/** What a chat is called: as this person calls those who are in it, where they have names for them. */
export function useTitles(): (item: ThreadItem) => string {
  const { userId } = useClient();
  const ownNames = useOwnNames();
  return useCallback(
    (item) => {
      const { thread, title } = item;
      if (thread?.thread_type === "self") return t("chats.self");
      if (thread?.title_is_automatic)
        return titleOfGroup(thread, (one) => ownNames.get(one.user_id) ?? one.display_name);
      return ownNames.get(otherOf(item, userId) ?? "") ?? title;
    },
    [userId, ownNames],
  );
}

/** A title that nobody chose has the names of today (P-THREAD-12), in the language of the page. */
export function titleOfGroup(thread: Thread, nameOf: (one: Participant) => string): string {
  const { title, title_is_automatic, participants, participant_count } = thread;
  if (title && !title_is_automatic) return title;
  const names = participants.slice(0, NAMED).map(nameOf);
  const others = participant_count - names.length;
  return listed(others > 0 ? [...names, t("chats.others", { count: others })] : names);
}

let lists: { readonly locale: string; readonly format: Intl.ListFormat } | undefined;

function listed(words: readonly string[]): string {
  if (lists?.locale !== locale())
    lists = { locale: locale(), format: new Intl.ListFormat(locale()) };
  return lists.format.format(words);
}
