import { useClient, useConnection, useKeptIn, useOutbox } from "@semel/sdk/react";
import { t } from "./i18n";
import { useIsAway } from "./session/connected";
import { Icon } from "./ui/icons";

/** Says when there is no connection, and what will happen. It goes by itself. */
export function Strip() {
  const client = useClient();
  const { phase, code } = useConnection();
  const { waiting } = useOutbox();
  const kept = useKeptIn();
  const isAway = useIsAway();
  let text: string | undefined;
  if (phase === "kept_out" && code !== "unauthenticated")
    text = t("offline.keptOut", { code: code ?? "" });
  else if (isAway) {
    text = waiting > 0 ? t("offline.waiting", { count: waiting }) : t("offline.plain");
  } else if (kept.type === "memory" && kept.reason !== "chosen") text = t("offline.memory");
  return (
    <div role="status" data-strip="" hidden={text === undefined}>
      {text !== undefined && (
        <div className="flex items-center gap-2 bg-warn-bg px-4 py-0.5 text-note text-warn">
          <Icon name="offline" className="size-4" />
          <span className="flex-1">{text}</span>
          <button
            type="button"
            className="min-h-8 rounded px-2 font-semibold underline"
            onClick={() => client.wake()}
          >
            {t("offline.retry")}
          </button>
        </div>
      )}
    </div>
  );
}
