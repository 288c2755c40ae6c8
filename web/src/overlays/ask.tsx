import { limits } from "@semel/sdk";
import { type FormEvent, useId, useState } from "react";
import { t } from "../i18n";
import { type Layer, layers } from "../layers";
import { wordsOf } from "../lib/errors";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";

/** Before something that cannot be taken back. */
export function Ask({ layer }: { readonly layer: Layer & { readonly type: "ask" } }) {
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [reason, setReason] = useState("");
  const id = useId();
  const confirm = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    try {
      await layer.act(reason.trim());
      if (layers.get() === layer) layers.close();
    } catch (problem) {
      setError(wordsOf(problem));
      setBusy(false);
    }
  };
  return (
    <Dialog title={layer.title} width="22rem">
      <form onSubmit={(event) => void confirm(event)}>
        <p className="text-text2">{layer.note}</p>
        {layer.wantsReason && (
          <div className="mt-3">
            <label htmlFor={id} className="mb-1 block font-semibold">
              {t("ask.reason")}
            </label>
            <textarea
              id={id}
              data-first=""
              required
              dir="auto"
              rows={3}
              maxLength={limits.REASON_CHARACTERS_MAX}
              className="field"
              aria-describedby={`${id}-help`}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
            <p id={`${id}-help`} className="mt-1 text-note text-text2">
              {t("ask.reasonHelp")}
            </p>
          </div>
        )}
        <p role="alert" className="mt-2 text-note text-danger">
          {error}
        </p>
        <div className="mt-4 flex flex-wrap justify-end gap-2">
          <Button
            kind="quiet"
            data-first={layer.wantsReason ? undefined : ""}
            onClick={() => layers.close()}
          >
            {t("dialog.cancel")}
          </Button>
          <Button kind={layer.isHarmless ? "primary" : "danger"} type="submit" disabled={isBusy}>
            {layer.confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
