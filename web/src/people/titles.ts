import type { ThreadItem } from "@semel/sdk";
import { useClient, useOwnNames } from "@semel/sdk/react";
import { useCallback } from "react";
import { t } from "../i18n";
import { otherOf } from "../lib/routes";

/** What a chat is called: as this person calls the other one, where they have a name for them. */
export function useTitles(): (item: ThreadItem) => string {
  const { userId } = useClient();
  const ownNames = useOwnNames();
  return useCallback(
    (item) => {
      const isSelf = item.thread?.thread_type === "self";
      if (isSelf) return t("chats.self");
      return ownNames.get(otherOf(item, userId) ?? "") ?? item.title;
    },
    [userId, ownNames],
  );
}
