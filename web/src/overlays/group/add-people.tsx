import { useClient } from "@semel/sdk/react";
import { useState } from "react";
import { t } from "../../i18n";
import { Button } from "../../ui/button";
import { Fold } from "../../ui/fold";
import { PeopleField } from "../../ui/people-field";
import type { PartProps } from "./details";

/** Brings people into a group. */
export function AddPeople({ thread, run }: PartProps) {
  const client = useClient();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const without = new Set(thread.participants.map((one) => one.user_id));
  const add = () =>
    run(async () => {
      await client.actions.expand(thread.id, chosen, { on_conflict: "keep_separate" });
      setChosen([]);
    });
  return (
    <Fold title={t("details.addPeople")}>
      <PeopleField chosen={chosen} setChosen={setChosen} without={without} />
      <Button
        kind="primary"
        className="mt-2"
        disabled={chosen.length === 0}
        onClick={() => void add()}
      >
        {t("details.add")}
      </Button>
    </Fold>
  );
}
