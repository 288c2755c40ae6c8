import { type ErrorCode, isSemelError, limits, setHandle } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { type FormEvent, useEffect, useId, useState } from "react";
import { t } from "../i18n";
import type { Key } from "../i18n/en";
import { layers } from "../layers";
import { wordsOf } from "../lib/errors";
import { setMe, useMe } from "../session/me";
import { Button } from "../ui/button";
import { Part } from "./part";

/** What is special about taking a handle. */
const refusals: Partial<Record<ErrorCode, Key>> = {
  handle_taken: "handle.taken",
  invalid_request: "handle.invalid",
  rate_limited: "handle.tooMany",
};

function wordsOfHandle(error: unknown): string {
  const key = isSemelError(error) ? refusals[error.code] : undefined;
  return key === undefined
    ? wordsOf(error)
    : t(key, { count: limits.HANDLE_CHANGES_PER_MONTH_MAX, days: limits.HANDLE_KEPT_DAYS });
}

/** The name by which others find this person. */
export function Handle() {
  const client = useClient();
  const me = useMe(false);
  const kept = me?.handle ?? "";
  const id = useId();
  const [typed, setTyped] = useState("");
  const [said, setSaid] = useState<{ readonly text: string; readonly isError: boolean }>();
  const [isBusy, setBusy] = useState(false);
  useEffect(() => setTyped(kept), [kept]);
  const wanted = typed.trim().replace(/^@/u, "").toLowerCase();
  const take = async (handle: string) => {
    setBusy(true);
    setSaid(undefined);
    try {
      setMe(await setHandle(client, handle));
      setSaid({ text: t(handle === "" ? "handle.gone" : "settings.saved"), isError: false });
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isBusy || wanted === kept || wanted === "") return;
    take(wanted).catch((error: unknown) => setSaid({ text: wordsOfHandle(error), isError: true }));
  };
  const giveUp = () =>
    layers.open({
      type: "ask",
      title: t("handle.giveUpAsk", { handle: kept }),
      note: t("handle.giveUpNote", { days: limits.HANDLE_KEPT_DAYS }),
      confirm: t("handle.giveUp"),
      act: () => take(""),
    });
  return (
    <Part title={t("handle.title")}>
      <form onSubmit={submit}>
        <label htmlFor={id} className="mb-1 block font-semibold">
          {t("handle.label")}
        </label>
        <div className="relative">
          <span aria-hidden="true" className="absolute start-3 top-2 text-text2">
            @
          </span>
          <input
            id={id}
            dir="ltr"
            className="field !ps-7"
            required
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={limits.HANDLE_CHARACTERS_MAX + 1}
            aria-describedby={`${id}-help`}
            value={typed}
            onChange={(event) => {
              setTyped(event.target.value);
              setSaid(undefined);
            }}
          />
        </div>
        <p id={`${id}-help`} className="mt-1 text-note text-text2">
          {t("handle.help", {
            least: limits.HANDLE_CHARACTERS_MIN,
            most: limits.HANDLE_CHARACTERS_MAX,
          })}
        </p>
        <p
          role={said?.isError ? "alert" : "status"}
          className={`mt-1 text-note ${said?.isError ? "text-danger" : "text-text2"}`}
        >
          {said?.text}
        </p>
        <div className="mt-2 flex flex-wrap justify-end gap-2">
          {kept !== "" && (
            <Button kind="danger" onClick={giveUp}>
              {t("handle.giveUp")}
            </Button>
          )}
          <Button
            kind="primary"
            type="submit"
            disabled={isBusy || wanted === "" || wanted === kept}
          >
            {t(kept === "" ? "handle.take" : "handle.change")}
          </Button>
        </div>
      </form>
    </Part>
  );
}
