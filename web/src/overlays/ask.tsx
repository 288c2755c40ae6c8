import { useState } from "react";
import { t } from "../i18n";
import { type Layer, layers } from "../layers";
import { wordsOf } from "../lib/errors";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";

/** Before something that cannot be taken back. */
export function Ask({ layer }: { readonly layer: Layer & { readonly type: "ask" } }) {
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const confirm = async () => {
    setBusy(true);
    try {
      await layer.act();
      if (layers.get() === layer) layers.close();
    } catch (problem) {
      setError(wordsOf(problem));
      setBusy(false);
    }
  };
  return (
    <Dialog title={layer.title} width="22rem">
      <p className="text-text2">{layer.note}</p>
      <p role="alert" className="mt-2 text-note text-danger">
        {error}
      </p>
      <div className="mt-4 flex justify-end gap-2">
        <Button kind="quiet" data-first="" onClick={() => layers.close()}>
          {t("dialog.cancel")}
        </Button>
        <Button kind="danger" disabled={isBusy} onClick={() => void confirm()}>
          {layer.confirm}
        </Button>
      </div>
    </Dialog>
  );
}
