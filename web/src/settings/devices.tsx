import type { Identity, Session } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { useCallback, useEffect, useState } from "react";
import { locale, t } from "../i18n";
import { layers } from "../layers";
import { shortDate } from "../lib/dates";
import { wordsOf } from "../lib/errors";
import { Button, IconButton } from "../ui/button";
import { Icon } from "../ui/icons";
import { Part } from "./part";

/** Where this person is signed in, and by what; for those who sign in at this server. */
export function Devices() {
  const client = useClient();
  const [sessions, setSessions] = useState<readonly Session[]>([]);
  const [ways, setWays] = useState<readonly Identity[]>([]);
  const [error, setError] = useState("");
  const load = useCallback(async () => {
    try {
      const [devices, identities] = await Promise.all([
        client.actions.sessions(),
        client.actions.identities(),
      ]);
      setSessions(devices);
      setWays(identities);
      setError("");
    } catch (problem) {
      setError(wordsOf(problem));
    }
  }, [client]);
  useEffect(() => void load(), [load]);
  const end = (title: string, act: () => Promise<void>) =>
    layers.open({
      type: "ask",
      title,
      note: t("settings.devicesNote"),
      confirm: t("settings.signOut"),
      act: async () => {
        await act();
        await load();
      },
    });
  return (
    <Part title={t("settings.devices")}>
      <ul className="divide-y divide-border rounded-[14px] border border-border">
        {sessions.map((one) => (
          <Line
            key={one.session_id}
            session={one}
            end={(name) =>
              end(t("settings.deviceEndAsk", { name }), () =>
                client.actions.revokeSession(one.session_id),
              )
            }
          />
        ))}
      </ul>
      {ways.length > 0 && (
        <p className="mt-2 text-note text-text2">
          {t("settings.ways")}{" "}
          {ways.map((way) => (
            <bdi key={`${way.kind} ${way.value}`} className="me-2">
              {way.label ?? way.value}
            </bdi>
          ))}
        </p>
      )}
      <p role="alert" className="text-note text-danger">
        {error}
      </p>
      {sessions.length > 1 && (
        <Button
          kind="danger"
          onClick={() =>
            end(t("settings.devicesEndAsk"), () => client.actions.revokeOtherSessions())
          }
        >
          {t("settings.devicesEnd")}
        </Button>
      )}
    </Part>
  );
}

function Line(props: { readonly session: Session; readonly end: (name: string) => void }) {
  const { session, end } = props;
  const name = session.device_name || t("settings.deviceUnnamed");
  const when = shortDate(session.refreshed_at, new Date(), locale(), t("day.yesterday"));
  return (
    <li data-session="" className="flex min-h-14 items-center gap-2 ps-3 pe-1">
      <span className="min-w-0 flex-1">
        <bdi className="block truncate font-semibold">{name}</bdi>
        <span className="block text-note text-text2">
          {session.is_current ? t("settings.deviceThis") : t("settings.deviceSeen", { when })}
        </span>
      </span>
      {!session.is_current && (
        <IconButton label={t("settings.deviceEnd", { name })} onClick={() => end(name)}>
          <Icon name="close" />
        </IconButton>
      )}
    </li>
  );
}
