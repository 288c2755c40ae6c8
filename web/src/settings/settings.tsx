import { limits } from "@semel/sdk";
import { useClient, useOutbox } from "@semel/sdk/react";
import { type FormEvent, useEffect, useState } from "react";
import { type Language, languages, speak, t } from "../i18n";
import { layers } from "../layers";
import { wordsOf } from "../lib/errors";
import { LIST_WIDTH, type Look, look, useLook } from "../look";
import { setMe, useMe } from "../session/me";
import { useSession } from "../session/session";
import { Button } from "../ui/button";
import { PictureField } from "../ui/picture-field";
import { Blocked } from "./blocked";
import { Choice } from "./choice";
import { Devices } from "./devices";
import { FoundBy } from "./findability";
import { Handle } from "./handle";
import { Part } from "./part";
import { askToSignOut } from "./sign-out";

export default function Settings() {
  const session = useSession();
  return (
    <>
      <header className="flex h-14 shrink-0 items-center px-4">
        <h1 className="text-title font-[650] tracking-tight">{t("settings.title")}</h1>
      </header>
      <div className="thin-scroll min-h-0 flex-1 space-y-6 overflow-auto px-4 pb-6">
        <Profile />
        <Handle />
        <FoundBy />
        <Blocked />
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
  // The form below asks for it.
  const me = useMe(false);
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const [said, setSaid] = useState("");
  useEffect(() => {
    client.actions.user("me").then(
      (user) => {
        setMe(user);
        setName(user.display_name);
        setAbout(user.about ?? "");
      },
      (error: unknown) => setSaid(wordsOf(error)),
    );
  }, [client]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    client.actions.changeProfile({ display_name: name.trim(), about: about.trim() }).then(
      (user) => {
        setMe(user);
        setSaid(t("settings.saved"));
      },
      (error: unknown) => setSaid(wordsOf(error)),
    );
  };
  return (
    <Part title={t("settings.profile")}>
      {me !== undefined && (
        <PictureField
          id={client.userId}
          name={me.display_name}
          picture={me.picture ?? null}
          keep={async (picture) => setMe(await client.actions.changeProfile({ picture }))}
        />
      )}
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
        <div className="max-lg:hidden">
          <Choice
            label={t("list.width")}
            value={widthName(now.listWidth)}
            options={{
              least: t("list.least"),
              usual: t("list.usual"),
              most: t("list.most"),
              ...(widthName(now.listWidth) === "own" ? { own: t("list.own") } : {}),
            }}
            choose={(width) =>
              width !== "own" && set({ listWidth: LIST_WIDTH[width as keyof typeof LIST_WIDTH] })
            }
          />
        </div>
      </div>
    </Part>
  );
}

/** Of the widths that have a name, else the person's own. */
function widthName(width: number): string {
  const names = Object.keys(LIST_WIDTH) as (keyof typeof LIST_WIDTH)[];
  return names.find((name) => LIST_WIDTH[name] === width) ?? "own";
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
  return (
    <Part title={t("settings.device")}>
      <div className="-ms-3 flex flex-wrap gap-2">
        <Button kind="quiet" onClick={() => layers.open({ type: "keys" })}>
          {t("keys.title")}
        </Button>
        <Button kind="danger" onClick={() => askToSignOut(waiting + failed)}>
          {t("settings.signOut")}
        </Button>
      </div>
    </Part>
  );
}
