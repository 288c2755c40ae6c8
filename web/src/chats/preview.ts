import type { ThreadItem } from "@semel/sdk";
import type { Names } from "../conversation/names";
import { t } from "../i18n";

/** The last thing that was said, on one line. */
export function preview(
  item: ThreadItem,
  me: string,
  isSelf: boolean,
  names: Names,
): { readonly text: string; readonly isFailed: boolean } {
  const { pending, lastMessage: last, thread } = item;
  if (pending !== undefined) {
    const text = pending.content;
    return pending.failed > 0
      ? { text: t("chats.notSent", { text }), isFailed: true }
      : { text: t("chats.you", { text }), isFailed: false };
  }
  if (last === undefined) return { text: t("chats.none"), isFailed: false };
  const gone = last.removed ? "chats.removed" : "chats.deleted";
  const text = last.deleted_at ? t(gone) : last.content;
  if (last.kind === "system" || isSelf) return { text, isFailed: false };
  if (last.sender_id === me) return { text: t("chats.you", { text }), isFailed: false };
  if (thread?.thread_type !== "group") return { text, isFailed: false };
  return { text: t("chats.from", { name: names(last.sender_id), text }), isFailed: false };
}
