import { useClient, useConnection, useKeptIn, useOutbox } from "@semel/sdk/react";
import { useEffect, useState } from "react";
import { t } from "../i18n";
import { Icon } from "../ui/icons";

/** Milliseconds without a connection before it is said. */
const PATIENCE = 2_000;

/** Says when there is no connection, and what will happen. It goes by itself. */
export function Strip() {
  const client = useClient();
  const { phase, code, since } = useConnection();
  const { waiting } = useOutbox();
  const kept = useKeptIn();
  const isBack = phase === "online" || phase === "syncing";
  const isLate = useLate(isBack, since);
  let text: string | undefined;
  if (phase === "kept_out" && code !== "unauthenticated")
    text = t("offline.keptOut", { code: code ?? "" });
  else if (!isBack && isLate) {
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

function useLate(isBack: boolean, since: number): boolean {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    if (isBack) return setLate(false);
    const timer = setTimeout(() => setLate(true), Math.max(0, PATIENCE - (Date.now() - since)));
    return () => clearTimeout(timer);
    // Going from one kind of trouble to another begins no new wait.
  }, [isBack, since]);
  return isLate;
}
