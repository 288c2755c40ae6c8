import { limits, type Message, type ReportReason, reportMessage, reportPerson } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { type FormEvent, useId, useState } from "react";
import { t } from "../i18n";
import { layers } from "../layers";
import { wordsOf } from "../lib/errors";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";

const reasons: readonly ReportReason[] = [
  "spam",
  "harassment",
  "violence",
  "hate",
  "sexual",
  "fraud",
  "other",
];

/** Tells the operators of the server what is wrong with a message or a person. */
export function Report(props: { readonly about: Message | { readonly user_id: string } }) {
  const { about } = props;
  const isPerson = "user_id" in about;
  const title = t(isPerson ? "report.titlePerson" : "report.title");
  const client = useClient();
  const id = useId();
  const [reason, setReason] = useState<ReportReason>();
  const [details, setDetails] = useState("");
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [isDone, setDone] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (reason === undefined || isBusy) return;
    setBusy(true);
    setError("");
    const more = details.trim() === "" ? {} : { details: details.trim() };
    try {
      const report = { reason, ...more };
      if (isPerson) await reportPerson(client, about.user_id, report);
      else await reportMessage(client, about.thread_id, about.id, report);
      setDone(true);
    } catch (problem) {
      setError(wordsOf(problem));
      setBusy(false);
    }
  };
  if (isDone) {
    return (
      <Dialog title={title} width="22rem">
        <p role="status" className="text-text2">
          {t("report.done")}
        </p>
        <div className="mt-4 flex justify-end">
          <Button kind="primary" data-first="" onClick={() => layers.close()}>
            {t("dialog.close")}
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={title} width="22rem">
      <form onSubmit={(event) => void submit(event)}>
        <fieldset>
          <legend className="mb-1 font-semibold">
            {t(isPerson ? "report.whyPerson" : "report.why")}
          </legend>
          {reasons.map((one) => (
            <label key={one} className="flex min-h-9 items-center gap-3">
              <input
                type="radio"
                name={`${id}-reason`}
                required
                className="size-5 accent-accent"
                checked={reason === one}
                onChange={() => setReason(one)}
              />
              {t(`report.${one}`)}
            </label>
          ))}
        </fieldset>
        <label htmlFor={id} className="mt-2 mb-1 block font-semibold">
          {t("report.details")}
        </label>
        <textarea
          id={id}
          dir="auto"
          rows={2}
          maxLength={limits.REPORT_CHARACTERS_MAX}
          className="field"
          value={details}
          onChange={(event) => setDetails(event.target.value)}
        />
        <p className="mt-1 text-note text-text2">
          {t(isPerson ? "report.notePerson" : "report.note")}
        </p>
        <p role="alert" className="mt-2 text-note text-danger">
          {error}
        </p>
        <div className="mt-3 flex justify-end gap-2">
          <Button kind="quiet" onClick={() => layers.close()}>
            {t("dialog.cancel")}
          </Button>
          <Button kind="danger" type="submit" disabled={isBusy}>
            {t("report.send")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
