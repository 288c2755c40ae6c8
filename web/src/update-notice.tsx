import { useConnection } from "@semel/sdk/react";
import { useEffect } from "react";
import { t } from "./i18n";
import { Button } from "./ui/button";
import { Icon } from "./ui/icons";
import { lookForUpdate, update, useUpdate } from "./worker";

/** Milliseconds between looks for a newer version while the page is connected. */
const EVERY = 3_600_000;

/** Says that there is a newer version. What was begun here is kept; when to load it is for the person to say. */
export function UpdateNotice() {
  const { phase } = useConnection();
  const isReady = useUpdate();
  // A server that comes back may be a newer one; and a page that stays connected for weeks would never ask.
  useEffect(() => {
    if (phase !== "online") return;
    lookForUpdate();
    const timer = setInterval(lookForUpdate, EVERY);
    return () => clearInterval(timer);
  }, [phase]);
  return (
    <div role="status">
      {isReady && (
        <div className="flex flex-wrap items-center gap-3 bg-ok-bg px-4 py-1 text-ok">
          <Icon name="down" />
          <p className="flex-1 text-note">{t("install.update")}</p>
          <Button kind="quiet" onClick={update}>
            {t("install.reload")}
          </Button>
        </div>
      )}
    </div>
  );
}
