// The link that a fresh server prints: whoever opens it and signs in becomes its operator.

import { useClient } from "@semel/sdk/react";
import { useEffect, useState } from "react";
import { t } from "../i18n";
import { wordsOf } from "../lib/errors";
import { Button } from "../ui/button";
import { Icon } from "../ui/icons";
import { lookForOperatorRight } from "./operator-right";

/** In this tab only, until it was used: the way to a provider and back leaves the page. */
const NAME = "semel:operator";

export function claimLater(token: string): void {
  sessionStorage.setItem(NAME, token);
}

export function wantsToBeOperator(): boolean {
  return sessionStorage.getItem(NAME) !== null;
}

/** Uses the link, and says what came of it. */
export function OperatorNotice() {
  const client = useClient();
  const [said, setSaid] = useState<{ readonly text: string; readonly isBad: boolean }>();
  useEffect(() => {
    const token = sessionStorage.getItem(NAME);
    if (token === null) return;
    sessionStorage.removeItem(NAME);
    client.actions.claimOperator(token).then(
      () => {
        setSaid({ text: t("operator.done"), isBad: false });
        void lookForOperatorRight(client);
      },
      (error: unknown) =>
        setSaid({ text: t("operator.failed", { detail: wordsOf(error) }), isBad: true }),
    );
  }, [client]);
  return (
    <div role="status">
      {said !== undefined && (
        <div
          className={`flex flex-wrap items-center gap-3 px-4 py-1 ${said.isBad ? "bg-danger-bg text-danger" : "bg-ok-bg text-ok"}`}
        >
          <Icon name={said.isBad ? "warn" : "check"} />
          <p className="flex-1 text-note">{said.text}</p>
          <Button kind="icon" aria-label={t("dialog.close")} onClick={() => setSaid(undefined)}>
            <Icon name="close" />
          </Button>
        </div>
      )}
    </div>
  );
}
