import type { KeyboardEvent } from "react";
import { t } from "../i18n";
import { closeAnd, Dialog } from "../ui/dialog";

/** Few and often used; the system's own picker has the rest. */
const EMOJI =
  "👍 👎 ❤️ 🔥 🎉 👏 🙏 💪 ✅ ❌ 👀 🤝 😀 😄 😂 🤣 🙂 😉 😊 😍 😘 😎 🤔 🤨 😐 🙄 😴 😅 😢 😭 😤 😡 😱 🥳 😇 🤗 🤷 🤦 👋 ✌️ 🤞 👌 💯 ⭐ ✨ 💡 📌 📎 📅 ⏰ ☕ 🍕 🎂 🍻 🌞 🌧️ 🌈 🚀 🚂 🏡".split(
    " ",
  );

/** Arrows go through the grid, however many stand in a row; Home and End to its ends. */
function onKeyDown(event: KeyboardEvent<HTMLElement>): void {
  const all = [...event.currentTarget.querySelectorAll("button")];
  const at = all.indexOf(event.target as HTMLButtonElement);
  if (at < 0) return;
  const top = all[0]?.offsetTop;
  const next = all.findIndex(({ offsetTop }) => offsetTop !== top);
  const columns = next < 0 ? all.length : next;
  const isLeft = document.documentElement.dir === "rtl";
  const places: Record<string, number> = {
    ArrowRight: at + (isLeft ? -1 : 1),
    ArrowLeft: at + (isLeft ? 1 : -1),
    ArrowDown: at + columns,
    ArrowUp: at - columns,
    Home: 0,
    End: all.length - 1,
  };
  const to = places[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const button = all[to];
  if (button === undefined) return;
  for (const one of all) one.tabIndex = one === button ? 0 : -1;
  button.focus();
}

export function Emoji({ chosen }: { readonly chosen: (emoji: string) => void }) {
  return (
    <Dialog title={t("composer.emoji")} width="23rem">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the buttons in it have the focus. */}
      <div onKeyDown={onKeyDown} className="grid grid-cols-[repeat(auto-fill,minmax(2.75rem,1fr))]">
        {EMOJI.map((emoji, place) => (
          <button
            key={emoji}
            type="button"
            data-first={place === 0 ? "" : undefined}
            tabIndex={place === 0 ? 0 : -1}
            onClick={() => {
              closeAnd(() => chosen(emoji));
            }}
            className="size-11 rounded-[10px] text-[1.375rem] hover:bg-hover"
          >
            {emoji}
          </button>
        ))}
      </div>
    </Dialog>
  );
}
