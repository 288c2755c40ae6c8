import { limits } from "@semel/sdk";
import { useClient, useOutbox } from "@semel/sdk/react";
import { type FormEvent, useEffect, useState } from "react";
import { type Language, languages, speak, t } from "../i18n";
import { layers } from "../layers";
import { wordsOf } from "../lib/errors";
import { type Look, look, useLook } from "../look";
import { signOut, useSession } from "../session/session";
import { Button } from "../ui/button";
import { Devices } from "./devices";
import { Part } from "./part";

export default function Settings() {
  const session = useSession();
  return (
    <>
      <header className="flex h-14 shrink-0 items-center px-4">
        <h1 className="text-title font-[650] tracking-tight">{t("settings.title")}</h1>
      </header>
      <div className="thin-scroll min-h-0 flex-1 space-y-6 overflow-auto px-4 pb-6">
        <Profile />
        <Appearance />
        <Notices />
        {session.phase === "in" && session.isOwn && <Devices />}
        <Device />
      </div>
    </>
  );
}

function Profile() {
  const client = useClient();
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const [said, setSaid] = useState("");
  useEffect(() => {
    client.actions.user("me").then(
      (user) => {
        setName(user.display_name);
        setAbout(user.about ?? "");
      },
      (error: unknown) => setSaid(wordsOf(error)),
    );
  }, [client]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    client.actions.changeProfile({ display_name: name.trim(), about: about.trim() }).then(
      () => setSaid(t("settings.saved")),
      (error: unknown) => setSaid(wordsOf(error)),
    );
  };
  return (
    <Part title={t("settings.profile")}>
      <form onSubmit={submit} className="space-y-3">
        <p className="text-note text-text2">{t("settings.id", { id: client.userId })}</p>
        <label className="block">
          <span className="mb-1 block font-semibold">{t("settings.name")}</span>
          <input
            className="field"
            dir="auto"
            required
            maxLength={limits.NAME_CHARACTERS_MAX}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        <label className="block">
          <span className="mb-1 block font-semibold">{t("settings.about")}</span>
          <textarea
            className="field"
            dir="auto"
            rows={2}
            maxLength={limits.ABOUT_CHARACTERS_MAX}
            value={about}
            onChange={(event) => setAbout(event.target.value)}
          />
        </label>
        <div className="flex items-center justify-between gap-2">
          <p role="status" className="text-note text-text2">
            {said}
          </p>
          <Button kind="primary" type="submit">
            {t("settings.save")}
          </Button>
        </div>
      </form>
    </Part>
  );
}

function Appearance() {
  const now = useLook();
  const set = (change: Partial<Look>) => look.set({ ...now, ...change });
  return (
    <Part title={t("settings.look")}>
      <div className="space-y-3">
        <Choice
          label={t("settings.theme")}
          value={now.theme}
          options={{
            system: t("settings.themeSystem"),
            light: t("settings.themeLight"),
            dark: t("settings.themeDark"),
          }}
          choose={(theme) => set({ theme })}
        />
        <Choice
          label={t("settings.language")}
          value={now.language}
          options={languages}
          choose={(language: Language) => void speak(language)}
        />
        <Choice
          label={t("settings.enter")}
          value={now.enter}
          options={{ send: t("settings.enterSends"), break: t("settings.enterBreaks") }}
          choose={(enter) => set({ enter })}
        />
      </div>
    </Part>
  );
}

function Choice<T extends string>(props: {
  readonly label: string;
  readonly value: T;
  readonly options: Readonly<Record<T, string>>;
  readonly choose: (value: T) => void;
}) {
  const values = Object.keys(props.options) as T[];
  return (
    <label className="block">
      <span className="mb-1 block font-semibold">{props.label}</span>
      <select
        className="field"
        value={props.value}
        onChange={(event) => props.choose(event.target.value as T)}
      >
        {values.map((value) => (
          <option key={value} value={value}>
            {props.options[value]}
          </option>
        ))}
      </select>
    </label>
  );
}

function Notices() {
  const now = useLook();
  const [permission, setPermission] = useState(() =>
    "Notification" in window ? Notification.permission : "denied",
  );
  return (
    <Part title={t("settings.notices")}>
      <label className="flex min-h-10 items-center gap-3">
        <input
          type="checkbox"
          className="size-5 accent-accent"
          checked={now.notices === "on"}
          onChange={(event) => look.set({ ...now, notices: event.target.checked ? "on" : "off" })}
        />
        {t("settings.noticesOn")}
      </label>
      {now.notices === "on" && permission === "default" && (
        <Button
          kind="quiet"
          onClick={() => void Notification.requestPermission().then(setPermission)}
        >
          {t("settings.noticesAllow")}
        </Button>
      )}
      {now.notices === "on" && permission === "denied" && (
        <p className="text-note text-text2">{t("settings.noticesDenied")}</p>
      )}
    </Part>
  );
}

function Device() {
  const { waiting, failed } = useOutbox();
  const unsent = waiting + failed;
  const ask = () =>
    layers.open({
      type: "ask",
      title: t("settings.signOutAsk"),
      note: unsent > 0 ? t("settings.signOutUnsent", { count: unsent }) : t("settings.signOutNote"),
      confirm: t(unsent > 0 ? "settings.signOutLose" : "settings.signOut"),
      act: async () => {
        await signOut(unsent > 0 ? "discard" : "refuse");
        layers.close();
      },
    });
  return (
    <Part title={t("settings.device")}>
      <div className="flex flex-wrap gap-2">
        <Button kind="quiet" onClick={() => layers.open({ type: "keys" })}>
          {t("keys.title")}
        </Button>
        <Button kind="danger" onClick={ask}>
          {t("settings.signOut")}
        </Button>
      </div>
    </Part>
  );
}
