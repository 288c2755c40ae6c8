import { type Key, t } from "../i18n";
import { Dialog } from "../ui/dialog";

const rows: readonly [Key, string][] = [
  ["keys.palette", "Ctrl K"],
  ["keys.search", "Ctrl F"],
  ["keys.next", "Alt ↑ ↓"],
  ["keys.unread", "Alt Shift ↑ ↓"],
  ["keys.edit", "↑"],
  ["keys.escape", "Esc"],
  ["keys.regions", "F6"],
  ["keys.list", "R E + C Del"],
  ["keys.inside", "Tab"],
  ["keys.help", "Ctrl /"],
];

export function Keys() {
  return (
    <Dialog title={t("keys.title")} plain>
      <dl className="grid grid-cols-[1fr_auto] gap-x-4 gap-y-3">
        {rows.map(([key, name]) => (
          <div key={key} className="contents">
            <dt>{t(key)}</dt>
            <dd dir="ltr" className="flex max-w-24 flex-wrap content-start sm:max-w-40 gap-1">
              {name.split(" ").map((one) => (
                <kbd
                  key={one}
                  className="rounded-[5px] border border-border px-1.5 font-mono text-note"
                >
                  {one}
                </kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
