import type { Row } from "@semel/sdk";
import { useClient, useThreads } from "@semel/sdk/react";
import { useNames } from "../conversation/names";
import { t } from "../i18n";
import type { RowActions } from "../layers";
import { Button } from "../ui/button";
import { closeAnd, Dialog } from "../ui/dialog";
import { Icon, type IconName } from "../ui/icons";

const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/** What can be done with a message. */
export function Actions({ row, act }: { readonly row: Row; readonly act: RowActions }) {
  const { userId } = useClient();
  const { message } = row;
  const thread = useThreads().find((item) => item.thread?.id === message.thread_id)?.thread;
  const names = useNames(thread);
  const { original, reply, copy, edit, react, remove, report, removeAsOperator } = act;
  const items: readonly [IconName, string, ((row: Row) => void) | undefined][] = [
    ["back", t("message.original"), message.reply_to ? original : undefined],
    ["reply", t("message.reply"), message.seq > 0 ? reply : undefined],
    ["copy", t("message.copy"), copy],
    ["edit", t("message.edit"), row.isOwn ? edit : undefined],
    ["trash", t("message.delete"), row.isOwn ? remove : undefined],
    ["flag", t("report.do"), row.isOwn ? undefined : report],
    ["warn", t("operator.removeDo"), row.isOwn ? undefined : removeAsOperator],
  ];
  return (
    <Dialog title={t("message.actions")} width="20rem">
      {react !== undefined && row.failure === undefined && (
        <div className="mb-2 flex justify-between">
          {QUICK.map((emoji, place) => (
            <button
              key={emoji}
              type="button"
              data-first={place === 0 ? "" : undefined}
              aria-label={`${t("message.react")} ${emoji}`}
              onClick={() => {
                closeAnd(() => react(row, emoji));
              }}
              className="size-11 rounded-full text-[1.375rem] hover:bg-hover"
            >
              {emoji}
            </button>
          ))}
        </div>
      )}
      {message.reactions.length > 0 && (
        <ul aria-label={t("message.reactions")} className="mb-2">
          {message.reactions.map(({ emoji, count, user_ids }) => (
            <li key={emoji}>
              <button
                type="button"
                aria-pressed={user_ids.includes(userId)}
                disabled={react === undefined}
                onClick={() => {
                  closeAnd(() => react?.(row, emoji));
                }}
                className="flex min-h-10 w-full items-center gap-3 rounded-[12px] px-3 text-start hover:bg-hover aria-pressed:bg-selected disabled:opacity-100"
              >
                <span className="text-[1.25rem]">{emoji}</span>
                <bdi className="min-w-0 flex-1 truncate text-note">
                  {user_ids
                    .map((one) => (one === userId ? t("message.you") : names(one)))
                    .join(", ")}
                </bdi>
                <span className="text-note text-text2 tabular-nums">{count}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {items.map(
        ([icon, label, run]) =>
          run !== undefined && (
            <Button
              key={icon}
              kind={icon === "trash" || icon === "warn" ? "danger" : "quiet"}
              className="w-full !justify-start"
              onClick={() => {
                closeAnd(() => run(row));
              }}
            >
              <Icon name={icon} />
              {label}
            </Button>
          ),
      )}
    </Dialog>
  );
}
