import { limits } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { t } from "../i18n";
import { layers } from "../layers";
import { wordsOf } from "../lib/errors";
import { pathOfUser } from "../lib/routes";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icons";
import { PeopleField } from "../ui/people-field";

/** One person: their chat, which needs no server to begin. Several: a group. */
export function NewChat() {
  const client = useClient();
  const [, go] = useLocation();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [title, setTitle] = useState("");
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  // Of this dialog: however often the button is pressed, there is one group.
  const [client_id] = useState(() => crypto.randomUUID());
  const isGroup = chosen.length > 1;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const [first] = chosen;
    if (first === undefined || isBusy) return;
    if (!isGroup) {
      layers.close();
      return go(pathOfUser(first));
    }
    setBusy(true);
    setError("");
    try {
      const named = title.trim() === "" ? {} : { title: title.trim() };
      const asked = { participants: chosen, thread_type: "group" as const, client_id, ...named };
      const { thread } = await client.actions.createOrGet(asked);
      layers.close();
      go(`/c/${thread.id}`);
    } catch (problem) {
      setError(wordsOf(problem));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("new.title")}>
      <form onSubmit={(event) => void submit(event)}>
        <PeopleField chosen={chosen} setChosen={setChosen} />
        {isGroup && (
          <div className="mt-3">
            <label htmlFor="group-title" className="mb-1 block font-semibold">
              {t("new.groupTitle")}{" "}
              <span className="text-note font-normal text-text2">({t("new.optional")})</span>
            </label>
            <input
              id="group-title"
              className="field"
              maxLength={limits.TITLE_CHARACTERS_MAX}
              autoComplete="off"
              value={title}
              onChange={(event) => setTitle(event.target.value)}
            />
          </div>
        )}
        <p role="alert" className="mt-2 text-note text-danger">
          {error}
        </p>
        <div className="mt-3 flex flex-wrap justify-between gap-2">
          <Button
            kind="quiet"
            className="-ms-3"
            onClick={() => {
              layers.close();
              go("/self");
            }}
          >
            <Icon name="note" />
            {t("new.self")}
          </Button>
          <Button kind="primary" type="submit" disabled={chosen.length === 0 || isBusy}>
            {t(isGroup ? "new.create" : "new.open")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
