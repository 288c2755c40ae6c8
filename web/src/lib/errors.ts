import { type ErrorCode, type Failure, hasCode, isRefused, isSemelError } from "@semel/sdk";
import { t } from "../i18n";
import type { Key } from "../i18n/en";

/** Refusals that people meet, in their own words. */
const plain: Partial<Record<ErrorCode, Key>> = {
  network: "error.network",
  forbidden: "error.forbidden",
  suspended: "error.suspended",
  unreachable: "error.unreachable",
  not_found: "error.gone",
  rate_limited: "error.tooMany",
};

/** What went wrong, in words, with what to do next. */
export function wordsOf(error: unknown): string {
  const key = isSemelError(error) ? plain[error.code] : undefined;
  if (key !== undefined) return t(key);
  if (hasCode(error, "unknown_users") && isRefused(error)) {
    const people = (error.problem.user_ids ?? []).join(", ");
    return t("error.unknownPeople", { people });
  }
  if (isRefused(error))
    return t("error.other", { detail: `${error.problem.detail} (${error.code})` });
  return t("error.other", { detail: error instanceof Error ? error.message : String(error) });
}

/** Why something that was sent was not taken. */
export function wordsOfFailure({ code, detail }: Failure): string {
  const key = code === "unknown_users" ? "error.nobody" : plain[code as ErrorCode];
  return key === undefined ? `${detail} (${code})` : t(key);
}
