import { createInvite, type Invite, listInvites, revokeInvite, type Thread } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { type FormEvent, useCallback, useEffect, useId, useRef, useState } from "react";
import { locale, t } from "../../i18n";
import { layers } from "../../layers";
import { dateTimeOf } from "../../lib/dates";
import { isUsedUp, linkOf } from "../../lib/invites";
import { Button, IconButton } from "../../ui/button";
import { Fold } from "../../ui/fold";
import { Icon } from "../../ui/icons";
import type { PartProps, Run } from "./details";

const HOUR = 60;
const DAY = 24 * HOUR;
/** Minutes that a link may count; none: until it is revoked. */
const ENDS = [HOUR, DAY, 7 * DAY, 30 * DAY, undefined] as const;
/** People whom a link may let in; none: as many as come. */
const USES = [1, 5, 10, 50, undefined] as const;
/** A week: what is forgotten somewhere opens nothing for ever. */
const USUAL_END = 2;
const USUAL_USES = USES.length - 1;

interface Props extends PartProps {
  readonly isAdmin: boolean;
  /** It is what the panel was opened for. */
  readonly isOpen: boolean;
}

/** Links into a group, for those who may add people: made, copied, passed on, revoked. */
export function Invites({ thread, run, isAdmin, isOpen }: Props) {
  const client = useClient();
  const [links, setLinks] = useState<readonly Invite[]>();
  const [made, setMade] = useState<string>();
  const { id } = thread;
  const load = useCallback(
    () => run(async () => setLinks(await listInvites(client, id))),
    [client, id, run],
  );
  const onToggle = (isNow: boolean) => {
    if (isNow && links === undefined) void load();
  };
  const make = async (uses_max: number | undefined, expires_in_minutes: number | undefined) => {
    const bounds = {
      ...(uses_max === undefined ? {} : { uses_max }),
      ...(expires_in_minutes === undefined ? {} : { expires_in_minutes }),
    };
    const isDone = await run(async () => {
      const invite = await createInvite(client, id, bounds);
      setLinks([invite, ...(links ?? [])]);
      setMade(invite.id);
    });
    return isDone;
  };
  return (
    <Fold
      title={t("invite.title")}
      open={isOpen}
      onToggle={(event) => onToggle(event.currentTarget.open)}
      data-invites=""
    >
      <p className="mb-2 text-note text-text2">{t("invite.note")}</p>
      <Make make={make} />
      <p role="status" className="unseen">
        {made === undefined ? "" : t("invite.made")}
      </p>
      {links !== undefined && links.length > 0 && (
        <ul
          aria-label={t("invite.list")}
          className="mt-3 divide-y divide-border rounded-[14px] border border-border"
        >
          {links.map((invite) => (
            <Line
              key={invite.id}
              invite={invite}
              thread={thread}
              run={run}
              isNew={invite.id === made}
              mayRevoke={isAdmin || invite.created_by === client.userId}
            />
          ))}
        </ul>
      )}
      {links?.length === 0 && <p className="mt-3 text-note text-text2">{t("invite.none")}</p>}
    </Fold>
  );
}

function Make(props: {
  readonly make: (uses: number | undefined, minutes: number | undefined) => Promise<boolean>;
}) {
  const [end, setEnd] = useState<number>(USUAL_END);
  const [uses, setUses] = useState<number>(USUAL_USES);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    await props.make(USES[uses], ENDS[end]);
    setBusy(false);
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-2">
      <Choice label={t("invite.end")} value={end} words={ENDS.map(wordsOfEnd)} choose={setEnd} />
      <Choice
        label={t("invite.uses")}
        value={uses}
        words={USES.map(wordsOfUses)}
        choose={setUses}
      />
      <Button kind="primary" type="submit" className="mt-1 w-full">
        <Icon name="link" />
        {t("invite.make")}
      </Button>
    </form>
  );
}

function Choice(props: {
  readonly label: string;
  readonly value: number;
  readonly words: readonly string[];
  readonly choose: (value: number) => void;
}) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-note text-text2">
        {props.label}
      </label>
      <select
        id={id}
        className="field"
        value={props.value}
        onChange={(event) => props.choose(Number(event.target.value))}
      >
        {props.words.map((words, at) => (
          <option key={words} value={at}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}

function wordsOfEnd(minutes: number | undefined): string {
  if (minutes === undefined) return t("invite.endless");
  if (minutes < DAY) return t("invite.hours", { count: minutes / HOUR });
  return t("invite.days", { count: minutes / DAY });
}

function wordsOfUses(count: number | undefined): string {
  return count === undefined ? t("invite.unlimited") : t("invite.people", { count });
}

function Line(props: {
  readonly invite: Invite;
  readonly thread: Thread;
  readonly run: Run;
  readonly isNew: boolean;
  readonly mayRevoke: boolean;
}) {
  const { invite, thread, run, isNew, mayRevoke } = props;
  const client = useClient();
  const [said, setSaid] = useState("");
  const copyButton = useRef<HTMLButtonElement>(null);
  const address = linkOf(location.origin, invite.token);
  const isOver = isUsedUp(invite);
  useEffect(() => {
    if (isNew) copyButton.current?.focus();
  }, [isNew]);
  const copy = () =>
    run(async () => {
      await navigator.clipboard.writeText(address);
      setSaid(t("invite.copied"));
    });
  const share = () =>
    run(async () => {
      const title = thread.title ?? "Semel";
      await navigator.share({ title, url: address }).catch((error: unknown) => {
        // Whoever thought better of it needs no word about it.
        if (!(error instanceof DOMException && error.name === "AbortError")) throw error;
      });
    });
  const revoke = () =>
    layers.open({
      type: "ask",
      title: t("invite.revokeAsk"),
      note: t("invite.revokeNote"),
      confirm: t("invite.revoke"),
      back: { type: "details", thread, part: "invites" },
      act: () => revokeInvite(client, thread.id, invite.id),
    });
  return (
    <li data-invite={invite.id} className="p-2">
      {!isOver && (
        <div className="flex items-center gap-1">
          <input
            readOnly
            aria-label={t("invite.link")}
            dir="ltr"
            value={address}
            onFocus={(event) => event.target.select()}
            className="h-10 min-w-0 flex-1 truncate rounded-[10px] bg-sunken px-2 font-mono text-note"
          />
          <IconButton ref={copyButton} label={t("invite.copy")} onClick={() => void copy()}>
            <Icon name={said === "" ? "copy" : "check"} />
          </IconButton>
          {"share" in navigator && (
            <IconButton label={t("invite.share")} onClick={() => void share()}>
              <Icon name="share" />
            </IconButton>
          )}
        </div>
      )}
      <div className="flex items-center gap-2 ps-1 pt-1">
        <p className="min-w-0 flex-1 text-note text-text2">
          <span className={isOver ? "font-semibold text-text" : ""}>{wordsOfCount(invite)}</span>
          <br />
          {invite.expires_at
            ? t("invite.until", { when: dateTimeOf(invite.expires_at, locale()) })
            : t("invite.endless")}
          {invite.created_by !== client.userId && (
            <>
              {" · "}
              {t("invite.by", { name: nameOf(invite.created_by, thread) })}
            </>
          )}
        </p>
        {mayRevoke && (
          <Button kind="danger" onClick={revoke}>
            {t("invite.revoke")}
          </Button>
        )}
      </div>
      <p role="status" className="unseen">
        {said}
      </p>
    </li>
  );
}

function wordsOfCount({ uses, uses_max }: Invite): string {
  if (typeof uses_max !== "number") return t("invite.joined", { count: uses });
  const used = { count: uses, max: uses_max };
  return t(uses >= uses_max ? "invite.usedUp" : "invite.joinedOf", used);
}

function nameOf(userId: string, { participants }: Thread): string {
  return participants.find((one) => one.user_id === userId)?.display_name ?? userId;
}
