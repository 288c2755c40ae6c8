// An operator has suspended this person: nothing that the page offers would be done.

import { useClient, useConnection, useOutbox } from "@semel/sdk/react";
import { t } from "../i18n";
import { askToSignOut } from "../settings/sign-out";
import { Button } from "../ui/button";
import { Logo } from "../ui/icons";

/** In the place of everything else. */
export default function Suspended() {
  const client = useClient();
  const { phase } = useConnection();
  const { waiting, failed } = useOutbox();
  return (
    <main className="flex h-full flex-col items-center overflow-auto p-4">
      <div className="my-auto w-full max-w-[400px] rounded-[16px] border border-border bg-surface p-6 sm:p-8">
        <Logo className="mb-4 size-12" />
        <h1 className="text-title font-[650] tracking-tight">{t("suspended.title")}</h1>
        <p className="mt-2 text-text2">{t("suspended.note")}</p>
        {waiting > 0 && (
          <p className="mt-2 text-text2">{t("suspended.waiting", { count: waiting })}</p>
        )}
        <Button
          kind="primary"
          className="mt-6 w-full"
          disabled={phase !== "kept_out"}
          onClick={() => client.wake()}
        >
          {t("suspended.again")}
        </Button>
        <Button
          kind="danger"
          className="mt-2 w-full"
          onClick={() => askToSignOut(waiting + failed)}
        >
          {t("settings.signOut")}
        </Button>
      </div>
    </main>
  );
}
