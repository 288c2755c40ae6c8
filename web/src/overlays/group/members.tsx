import type { Participant } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { useState } from "react";
import { useNames } from "../../conversation/names";
import { t } from "../../i18n";
import { layers } from "../../layers";
import { Avatar } from "../../ui/avatar";
import { Button, IconButton } from "../../ui/button";
import { Icon } from "../../ui/icons";
import { Presence } from "../../ui/presence";
import type { PartProps } from "./details";

/** The people of a group; admins give roles and take people out. */
export function Members({ thread, run, isAdmin }: PartProps & { readonly isAdmin: boolean }) {
  const client = useClient();
  const names = useNames(thread);
  const [more, setMore] = useState<readonly Participant[]>([]);
  const [cursor, setCursor] = useState<string>();
  const [chosen, setChosen] = useState<string>();
  const known = new Set(thread.participants.map((one) => one.user_id));
  const people = [...thread.participants, ...more.filter((one) => !known.has(one.user_id))];
  const loadMore = () =>
    run(async () => {
      const page = await client.actions.participants(thread.id, cursor);
      setMore([...more, ...page.items]);
      setCursor(page.next);
    });
  return (
    <section className="mt-5">
      <h3 className="mb-1 font-semibold">
        {t("details.members")} <span className="text-text2">{thread.participant_count}</span>
      </h3>
      <ul>
        {people.map((one) => (
          <li key={one.user_id} data-member={one.user_id}>
            <div className="flex min-h-14 flex-wrap items-center gap-x-3">
              <Avatar
                id={one.user_id}
                name={names(one.user_id)}
                size="small"
                presenceOf={one.user_id}
              />
              <span className="min-w-24 flex-1">
                {one.user_id === client.userId ? (
                  <bdi className="block truncate text-beside font-semibold">{one.display_name}</bdi>
                ) : (
                  <button
                    type="button"
                    onClick={() => layers.open({ type: "person", user_id: one.user_id })}
                    className="block max-w-full truncate rounded font-semibold hover:underline"
                  >
                    <bdi>{names(one.user_id)}</bdi>
                  </button>
                )}
                <span className="block truncate text-note text-text2">
                  {one.user_id === client.userId ? (
                    t("details.you")
                  ) : (
                    <Presence userId={one.user_id} />
                  )}
                </span>
              </span>
              {one.role === "admin" && (
                <span className="rounded-full bg-selected px-2 py-0.5 text-tiny font-semibold text-accent-text">
                  {t("details.admin")}
                </span>
              )}
              {isAdmin && one.user_id !== client.userId && (
                <IconButton
                  label={t("details.manage", { name: names(one.user_id) })}
                  aria-expanded={chosen === one.user_id}
                  onClick={() => setChosen(chosen === one.user_id ? undefined : one.user_id)}
                >
                  <Icon name="more" />
                </IconButton>
              )}
            </div>
            {isAdmin && chosen === one.user_id && (
              <Manage
                thread={thread}
                run={run}
                one={one}
                name={names(one.user_id)}
                done={(next) => {
                  setChosen(undefined);
                  setMore(more.map((other) => (other.user_id === next?.user_id ? next : other)));
                }}
              />
            )}
          </li>
        ))}
      </ul>
      {people.length < thread.participant_count && (
        <Button kind="quiet" className="w-full" onClick={() => void loadMore()}>
          {t("details.more")}
        </Button>
      )}
    </section>
  );
}

function Manage(
  props: PartProps & {
    readonly one: Participant;
    readonly name: string;
    readonly done: (next: Participant | undefined) => void;
  },
) {
  const { thread, run, one, name, done } = props;
  const { user_id } = one;
  const client = useClient();
  const role = one.role === "admin" ? "participant" : "admin";
  const changeRole = async () => {
    if (await run(() => client.actions.changeRole(thread.id, user_id, role)))
      done({ ...one, role });
  };
  const remove = () =>
    layers.open({
      type: "ask",
      title: t("details.removeAsk", { name }),
      note: t("details.removeNote"),
      confirm: t("details.removeDo"),
      back: { type: "details", thread },
      act: async () =>
        // The others may be the very people of another group, which stays what it is.
        void (await client.actions.remove(thread.id, user_id, "keep_separate")),
    });
  return (
    <div className="mb-2 flex flex-wrap gap-1 ps-8">
      <Button kind="quiet" className="text-start" onClick={() => void changeRole()}>
        {t(role === "admin" ? "details.makeAdmin" : "details.takeAdmin")}
      </Button>
      <Button kind="danger" className="text-start" onClick={remove}>
        {t("details.removeDo")}
      </Button>
    </div>
  );
}
