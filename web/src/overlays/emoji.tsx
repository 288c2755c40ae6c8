import { t } from "../i18n";
import { layers } from "../layers";
import { Dialog } from "../ui/dialog";

/** Few and often used; the system's own picker has the rest. */
const EMOJI =
  "👍 👎 ❤️ 🔥 🎉 👏 🙏 💪 ✅ ❌ 👀 🤝 😀 😄 😂 🤣 🙂 😉 😊 😍 😘 😎 🤔 🤨 😐 🙄 😴 😅 😢 😭 😤 😡 😱 🥳 😇 🤗 🤷 🤦 👋 ✌️ 🤞 👌 💯 ⭐ ✨ 💡 📌 📎 📅 ⏰ ☕ 🍕 🎂 🍻 🌞 🌧️ 🌈 🚀 🚂 🏡".split(
    " ",
  );

export function Emoji({ chosen }: { readonly chosen: (emoji: string) => void }) {
  return (
    <Dialog title={t("composer.emoji")} width="23rem">
      <div className="grid grid-cols-[repeat(auto-fill,minmax(2.75rem,1fr))]">
        {EMOJI.map((emoji) => (
          <button
            key={emoji}
            type="button"
            onClick={() => {
              layers.close();
              chosen(emoji);
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
