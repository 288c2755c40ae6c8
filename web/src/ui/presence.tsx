import { usePresence } from "@semel/sdk/react";
import { locale, t } from "../i18n";
import { shortDate } from "../lib/dates";

/** Whether somebody is there, in words. Unknown is not the same as away. */
export function Presence(props: { readonly userId: string; readonly otherwise?: string }) {
  const presence = usePresence(props.userId);
  if (presence?.online) return t("status.online");
  if (presence?.last_seen_at) {
    const when = shortDate(presence.last_seen_at, new Date(), locale(), t("day.yesterday"));
    return t("status.seen", { when });
  }
  return <bdi>{props.otherwise ?? ""}</bdi>;
}
