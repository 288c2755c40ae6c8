import { type AuditLine, type Client, type Deed, operatorsOf } from "@semel/sdk";
import { type Key, locale, t } from "../i18n";
import { dateTimeOf } from "../lib/dates";
import { Button } from "../ui/button";
import { Icon, type IconName } from "../ui/icons";
import { useNamesOf } from "./names";
import { usePages } from "./use-pages";

/** What operators did, newest first. */
export function Log() {
  const { items: lines, hasMore, error, isBusy, more } = usePages(ask);
  return (
    <>
      {lines?.length === 0 && (
        <p className="py-6 text-center text-text2">{t("operator.logEmpty")}</p>
      )}
      {lines !== undefined && <Lines lines={lines} />}
      <p role="alert" className="mt-2 text-note text-danger">
        {error}
      </p>
      {(hasMore || error !== "") && (
        <Button kind="quiet" className="mt-2 w-full" disabled={isBusy} onClick={more}>
          {t(error === "" ? "operator.logMore" : "error.again")}
        </Button>
      )}
    </>
  );
}

export function Lines({ lines }: { readonly lines: readonly AuditLine[] }) {
  const names = useNamesOf(
    lines.flatMap(({ actor_id, user_id }) => [actor_id, user_id ?? actor_id]),
  );
  return (
    <ol className="divide-y divide-border">
      {lines.map((line) => (
        <li key={line.id} data-deed={line.deed} className="flex gap-3 py-3">
          <span className="grid size-9 shrink-0 place-items-center rounded-full bg-sunken text-text2">
            <Icon name={iconOf(line)} className="size-4" />
          </span>
          <div className="min-w-0 flex-1">
            <p className="wrap-anywhere">
              {t(keyOf(line), {
                actor: isolated(names(line.actor_id)),
                name: isolated(names(line.user_id ?? "")),
              })}
            </p>
            <p dir="auto" className="text-start wrap-anywhere whitespace-pre-wrap text-text2">
              “{line.reason}”
            </p>
            <p className="text-tiny text-text2">
              <time dateTime={line.at}>{dateTimeOf(line.at, locale())}</time>
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}

const deeds: Record<Deed, Key> = {
  suspend: "deed.suspend",
  lift: "deed.lift",
  remove_message: "deed.remove_message",
  remove_participant: "deed.remove_participant",
  resolve_report: "deed.resolve_report",
  claim_operator: "deed.claim_operator",
  grant_operator: "deed.grant_operator",
  withdraw_operator: "deed.withdraw_operator",
  erase_person: "deed.erase_person",
};

/** Newer servers know more deeds. */
function keyOf({ deed }: AuditLine): Key {
  return deeds[deed] ?? "deed.other";
}

/** A name amid words that may go the other way. */
function isolated(name: string): string {
  return `\u2068${name}\u2069`;
}

function iconOf({ deed }: AuditLine): IconName {
  if (deed === "remove_message" || deed === "erase_person") return "trash";
  return deed === "lift" ? "check" : "warn";
}

const ask = (client: Client, cursor?: string) => operatorsOf(client).audit(cursor);
