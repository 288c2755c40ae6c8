import { t } from "../i18n";
import { Button } from "../ui/button";
import { Logo } from "../ui/icons";
import type { Account } from "./account";
import { enterWithToken, stay } from "./session";

/** A link would make this page somebody else's: the person says whether it may. */
export default function SwitchAccount(props: {
  readonly from: Account;
  readonly to: string;
  readonly token: string;
}) {
  const { from, to, token } = props;
  return (
    <main className="grid h-full place-items-center overflow-auto p-4">
      <div className="w-full max-w-[25rem] text-center">
        <Logo className="mx-auto mb-4 size-14" />
        <h1 className="text-title font-[650] tracking-tight">{t("session.switchTitle")}</h1>
        <p className="mt-2 text-text2 wrap-anywhere">
          {t("session.switchNote", { from: from.user_id, to })}
        </p>
        <div className="mt-6 flex flex-col gap-2">
          <Button kind="primary" onClick={() => void stay(from)}>
            <span className="min-w-0 wrap-anywhere">
              {t("session.switchNot", { from: from.user_id })}
            </span>
          </Button>
          <Button kind="quiet" onClick={() => void enterWithToken(token)}>
            <span className="min-w-0 wrap-anywhere">{t("session.switchDo", { to })}</span>
          </Button>
        </div>
      </div>
    </main>
  );
}
