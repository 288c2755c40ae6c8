import type { Row } from "@semel/sdk";
import { t } from "../i18n";
import { layers, type RowActions } from "../layers";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Icon, type IconName } from "../ui/icons";

const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/** What can be done with a message. */
export function Actions({ row, act }: { readonly row: Row; readonly act: RowActions }) {
  const items: readonly [IconName, string, () => void, boolean][] = [
    ["reply", t("message.reply"), () => act.reply(row), row.message.seq > 0],
    ["copy", t("message.copy"), () => act.copy(row), true],
    ["edit", t("message.edit"), () => act.edit(row), row.isOwn],
    ["trash", t("message.delete"), () => act.remove(row), row.isOwn],
  ];
  return (
    <Dialog title={t("message.actions")} width="20rem">
      <div className="mb-2 flex justify-between">
        {QUICK.map((emoji, place) => (
          <button
            key={emoji}
            type="button"
            data-first={place === 0 ? "" : undefined}
            aria-label={`${t("message.react")} ${emoji}`}
            onClick={() => {
              layers.close();
              act.react(row, emoji);
            }}
            className="size-11 rounded-full text-[1.375rem] hover:bg-hover"
          >
            {emoji}
          </button>
        ))}
      </div>
      {items.map(
        ([icon, label, run, isPossible]) =>
          isPossible && (
            <Button
              key={icon}
              kind={icon === "trash" ? "danger" : "quiet"}
              className="w-full !justify-start"
              onClick={() => {
                layers.close();
                run();
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
