import { hasCode, isRefused } from "@semel/sdk";
import { t } from "../i18n";

/** What went wrong, in words, with what to do next. */
export function wordsOf(error: unknown): string {
  if (hasCode(error, "network")) return t("error.network");
  if (isRefused(error))
    return t("error.other", { detail: `${error.problem.detail} (${error.code})` });
  return t("error.other", { detail: error instanceof Error ? error.message : String(error) });
}
