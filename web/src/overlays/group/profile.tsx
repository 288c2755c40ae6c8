import { type ChangeThread, limits } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { type FormEvent, useId, useState } from "react";
import { useNames } from "../../conversation/names";
import { locale, t } from "../../i18n";
import { dateOf } from "../../lib/dates";
import { titleOfGroup } from "../../people/titles";
import { Avatar } from "../../ui/avatar";
import { Button } from "../../ui/button";
import { PictureField } from "../../ui/picture-field";
import type { PartProps } from "./details";

/** What the group is called and what it is about; to be changed by whom it lets. */
export function Profile({ thread, run, mayName }: PartProps & { readonly mayName: boolean }) {
  const client = useClient();
  const [isChanging, setChanging] = useState(false);
  const names = useNames(thread);
  const title = titleOfGroup(thread, (one) => names(one.user_id));
  if (isChanging && mayName)
    return <Form {...{ thread, run, title }} end={() => setChanging(false)} />;
  return (
    <div className="flex flex-col items-center gap-1 text-center">
      {mayName ? (
        <PictureField
          id={thread.id}
          name={title}
          picture={thread.picture ?? null}
          keep={(picture) => client.actions.change(thread.id, { picture })}
        />
      ) : (
        <Avatar id={thread.id} name={title} picture={thread.picture ?? null} size="large" />
      )}
      <p dir="auto" className="mt-1 text-head font-[650] wrap-anywhere">
        {title}
      </p>
      <p className="text-note text-text2">
        {t("status.members", { count: thread.participant_count })}
        {" · "}
        {t("details.since", { when: dateOf(thread.created_at, locale()) })}
      </p>
      {thread.description && (
        <p
          dir="auto"
          data-description=""
          className="mt-2 w-full text-start whitespace-pre-wrap wrap-anywhere"
        >
          {thread.description}
        </p>
      )}
      {mayName && (
        <Button kind="quiet" onClick={() => setChanging(true)}>
          {t("details.change")}
        </Button>
      )}
    </div>
  );
}

function Form(props: PartProps & { readonly title: string; readonly end: () => void }) {
  const { thread, run, end } = props;
  const client = useClient();
  const id = useId();
  // Names that are nobody's choice are not made one by saving the rest.
  const chosen = thread.title_is_automatic ? "" : (thread.title ?? "");
  const [title, setTitle] = useState(chosen);
  const [description, setDescription] = useState(thread.description ?? "");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy) return;
    // Only what was changed here: somebody else may change the rest meanwhile.
    const change: ChangeThread = {
      ...(title.trim() === chosen ? {} : { title: title.trim() }),
      ...(description.trim() === (thread.description ?? "")
        ? {}
        : { description: description.trim() }),
    };
    if (Object.keys(change).length === 0) return end();
    setBusy(true);
    if (await run(() => client.actions.change(thread.id, change))) end();
    setBusy(false);
  };
  return (
    <form className="space-y-3" onSubmit={(event) => void submit(event)}>
      <div>
        <label htmlFor={`${id}-title`} className="mb-1 block font-semibold">
          {t("details.rename")}
        </label>
        <input
          id={`${id}-title`}
          // biome-ignore lint/a11y/noAutofocus: whoever asked for the form is there to write.
          autoFocus
          className="field"
          dir="auto"
          maxLength={limits.TITLE_CHARACTERS_MAX}
          autoComplete="off"
          placeholder={props.title}
          value={title}
          onChange={(event) => setTitle(event.target.value)}
        />
      </div>
      <div>
        <label htmlFor={`${id}-about`} className="mb-1 block font-semibold">
          {t("details.description")}
        </label>
        <textarea
          id={`${id}-about`}
          className="field"
          dir="auto"
          rows={4}
          maxLength={limits.DESCRIPTION_CHARACTERS_MAX}
          aria-describedby={`${id}-help`}
          value={description}
          onChange={(event) => setDescription(event.target.value)}
        />
        <p id={`${id}-help`} className="mt-1 text-note text-text2">
          {t("details.descriptionHelp")}
        </p>
      </div>
      <div className="flex justify-end gap-2">
        <Button kind="quiet" onClick={end}>
          {t("dialog.cancel")}
        </Button>
        <Button kind="primary" type="submit" disabled={isBusy}>
          {t("details.save")}
        </Button>
      </div>
    </form>
  );
}
