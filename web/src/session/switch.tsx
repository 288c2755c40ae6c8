import { t } from "../i18n";
import { nameIn } from "../lib/token";
import { Button } from "../ui/button";
import { Logo } from "../ui/icons";
import type { Account } from "./account";
import { enterWithToken, stay } from "./session";

interface Asked {
  readonly from: Account;
  readonly to: string;
  readonly token: string;
}

/** A link would make this page somebody else's: the person says whether it may. */
export default function SwitchAccount(props: Asked) {
  const { token } = props;
  const [from, to] = called(props);
  return (
    <main className="flex h-full flex-col items-center overflow-auto p-4">
      <div className="my-auto w-full max-w-[400px] rounded-[16px] border border-border bg-surface p-6 sm:p-8">
        <Logo className="mb-4 size-12" />
        <h1 className="text-title font-[650] tracking-tight">{t("session.switchTitle")}</h1>
        <p className="mt-2 text-text2 wrap-anywhere">{t("session.switchNote", { from, to })}</p>
        <div className="mt-6 flex flex-col gap-2">
          <Button kind="primary" onClick={() => void stay(props.from)}>
            <span className="min-w-0 wrap-anywhere">{t("session.switchNot", { from })}</span>
          </Button>
          <Button kind="quiet" onClick={() => void enterWithToken(token)}>
            <span className="min-w-0 wrap-anywhere">{t("session.switchDo", { to })}</span>
          </Button>
        </div>
      </div>
    </main>
  );
}

/** Both by their names, as far as this device knows them; with the id where the names do not tell them apart. */
function called({ from, to, token }: Asked): readonly [string, string] {
  const own = from.name ?? nameIn(from.token ?? "") ?? from.user_id;
  const other = nameIn(token) ?? to;
  return own === other ? [`${own} (${from.user_id})`, `${other} (${to})`] : [own, other];
}
