import type { Allowed, History, ThreadSettings } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { useEffect, useId, useState } from "react";
import { t } from "../../i18n";
import type { PartProps } from "./details";

const names = ["posting", "adding", "naming", "history"] as const;
type Name = (typeof names)[number];

function optionsOf(name: Name): readonly (readonly [Allowed | History, string])[] {
  if (name === "history") {
    return [
      ["joined", t("details.historyJoined")],
      ["all", t("details.historyAll")],
    ];
  }
  return [
    ["everyone", t("details.everyone")],
    ["admins", t("details.adminsOnly")],
  ];
}

/** Who may do what, and what newcomers see. Everybody sees the rules, admins make them. */
export function Rules({ thread, run, isAdmin }: PartProps & { readonly isAdmin: boolean }) {
  const client = useClient();
  const id = useId();
  // What was chosen and is on its way: the field must not jump back until it comes.
  const [chosen, setChosen] = useState<Partial<ThreadSettings>>({});
  // biome-ignore lint/correctness/useExhaustiveDependencies: other settings came, so these count.
  useEffect(() => setChosen({}), [thread.settings]);
  const choose = async (change: Partial<ThreadSettings>) => {
    setChosen({ ...chosen, ...change });
    const isDone = await run(() => client.actions.change(thread.id, { settings: change }));
    if (!isDone) setChosen({});
  };
  const now = { ...thread.settings, ...chosen };
  return (
    <section className="mt-5">
      <h3 className="mb-1 font-semibold">{t("details.rules")}</h3>
      <dl className="divide-y divide-border rounded-[14px] border border-border">
        {names.map((name) => {
          const options = optionsOf(name);
          return (
            <div key={name} className="flex min-h-11 flex-wrap items-center gap-x-3 px-3 py-1">
              <dt id={`${id}-${name}`} className="min-w-fit flex-1 text-note text-text2">
                {t(`details.${name}`)}
              </dt>
              <dd data-rule={name} className="max-w-full text-note font-semibold">
                {isAdmin ? (
                  <select
                    aria-labelledby={`${id}-${name}`}
                    className="field-sizing-content min-h-9 max-w-full rounded-[8px] bg-transparent !pe-5 text-accent-text [background-position-x:calc(100%-5px),100%] rtl:[background-position-x:0,5px]"
                    value={now[name]}
                    onChange={(event) =>
                      void choose({ [name]: event.target.value as Allowed | History })
                    }
                  >
                    {options.map(([value, words]) => (
                      <option key={value} value={value} className="bg-surface text-text">
                        {words}
                      </option>
                    ))}
                  </select>
                ) : (
                  options.find(([value]) => value === now[name])?.[1]
                )}
              </dd>
            </div>
          );
        })}
      </dl>
      {isAdmin && (
        <p className="mt-1 text-note text-text2">
          {t(now.history === "all" ? "details.historyAllNote" : "details.historyJoinedNote")}
        </p>
      )}
    </section>
  );
}
