import { t } from "../i18n";
import { layers } from "../layers";
import { signOut } from "../session/session";

/** Before everything of this person goes from this device; `unsent` messages would be lost. */
export function askToSignOut(unsent: number): void {
  layers.open({
    type: "ask",
    title: t("settings.signOutAsk"),
    note: unsent > 0 ? t("settings.signOutUnsent", { count: unsent }) : t("settings.signOutNote"),
    confirm: t(unsent > 0 ? "settings.signOutLose" : "settings.signOut"),
    act: async () => {
      await signOut(unsent > 0 ? "discard" : "refuse");
      layers.close();
    },
  });
}
