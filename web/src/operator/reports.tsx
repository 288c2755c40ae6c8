import { type Client, operatorsOf, type Report, type ReportOutcome } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { locale, t } from "../i18n";
import { layers } from "../layers";
import { dateTimeOf } from "../lib/dates";
import { Button } from "../ui/button";
import { useNamesOf } from "./names";
import { usePages } from "./use-pages";

const ask = (client: Client, cursor?: string) => operatorsOf(client).reports(cursor);

/** What people reported, the open ones first. */
export function Reports() {
  const { items, hasMore, error, isBusy, more, again } = usePages(ask);
  const names = useNamesOf(
    (items ?? []).flatMap((one) => [one.reporter_id, one.user_id, one.resolved_by ?? one.user_id]),
  );
  return (
    <>
      {items?.length === 0 && (
        <p className="py-6 text-center text-text2">{t("operator.noReports")}</p>
      )}
      <ol className="space-y-3">
        {items?.map((one) => (
          <li
            key={one.id}
            data-report={one.outcome ?? "open"}
            className="rounded-[14px] border border-border bg-surface p-4"
          >
            <ReportCard report={one} names={names} again={again} />
          </li>
        ))}
      </ol>
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

function ReportCard(props: {
  readonly report: Report;
  readonly names: (id: string) => string;
  readonly again: () => void;
}) {
  const { report, names, again } = props;
  const { message, outcome } = report;
  return (
    <>
      <p className="flex flex-wrap gap-x-2 font-semibold">
        {t(`report.${report.reason}`)}
        <bdi className="font-normal text-text2">{names(report.user_id)}</bdi>
      </p>
      {message && (
        <blockquote
          dir="auto"
          className="mt-2 border-s-[3px] border-strong ps-3 text-start whitespace-pre-wrap wrap-anywhere"
        >
          {message.content}
        </blockquote>
      )}
      {report.details && (
        <p dir="auto" className="mt-2 text-start whitespace-pre-wrap wrap-anywhere text-text2">
          “{report.details}”
        </p>
      )}
      <p className="mt-2 text-tiny text-text2">
        {t("operator.reportedBy")} <bdi>{names(report.reporter_id)}</bdi>
        {" · "}
        <time dateTime={report.at}>{dateTimeOf(report.at, locale())}</time>
      </p>
      {outcome ? (
        <p className="mt-2 text-note font-semibold text-text2">
          {t(`outcome.${outcome}`)}
          {" · "}
          <bdi>{names(report.resolved_by ?? "")}</bdi>
        </p>
      ) : (
        <Resolve report={report} name={names(report.user_id)} again={again} />
      )}
    </>
  );
}

function Resolve(props: {
  readonly report: Report;
  readonly name: string;
  readonly again: () => void;
}) {
  const { report, name, again } = props;
  const client = useClient();
  const resolve = (outcome: ReportOutcome, title: string, note: string, confirm: string) =>
    layers.open({
      type: "ask",
      title,
      note,
      confirm,
      wantsReason: true,
      act: async (reason) => {
        await operatorsOf(client).resolve(report, outcome, reason);
        again();
      },
    });
  return (
    <div className="mt-2 -ms-3 flex flex-wrap gap-1">
      {report.message && (
        <Button
          kind="danger"
          onClick={() =>
            resolve(
              "message_removed",
              t("operator.removeAsk"),
              t("operator.removeNote"),
              t("operator.remove"),
            )
          }
        >
          {t("operator.resolveRemove")}
        </Button>
      )}
      <Button
        kind="danger"
        onClick={() =>
          resolve(
            "suspended",
            t("operator.suspendAsk", { name }),
            t("operator.suspendNote"),
            t("operator.suspend"),
          )
        }
      >
        {t("operator.suspendDo")}
      </Button>
      <Button
        kind="quiet"
        onClick={() =>
          resolve(
            "no_action",
            t("operator.nothingAsk"),
            t("operator.nothingNote"),
            t("operator.nothing"),
          )
        }
      >
        {t("operator.nothingDo")}
      </Button>
    </div>
  );
}
