import { changeFindability, type Findability, getFindability } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { useEffect, useState } from "react";
import { t } from "../i18n";
import { wordsOf } from "../lib/errors";
import { Choice } from "./choice";
import { Part } from "./part";

/** Who finds this person, and by what. A change counts at once. */
export function FoundBy() {
  const client = useClient();
  const [now, setNow] = useState<Findability>();
  const [error, setError] = useState("");
  useEffect(() => {
    getFindability(client).then(setNow, (problem: unknown) => setError(wordsOf(problem)));
  }, [client]);
  const change = (one: Partial<Findability>) =>
    changeFindability(client, one).then(
      (next) => {
        setNow(next);
        setError("");
      },
      (problem: unknown) => setError(wordsOf(problem)),
    );
  const options = {
    everybody: t("found.everybody"),
    contacts: t("found.contacts"),
    nobody: t("found.nobody"),
  };
  return (
    <Part title={t("found.title")}>
      {now !== undefined && (
        <div className="space-y-3">
          {(["handle", "phone", "email"] as const).map((by) => (
            <Choice
              key={by}
              label={t(`found.${by}`)}
              value={now[by]}
              options={options}
              choose={(who) => void change({ [by]: who })}
            />
          ))}
        </div>
      )}
      <p role="alert" className="text-note text-danger">
        {error}
      </p>
    </Part>
  );
}
