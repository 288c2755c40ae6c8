import { type ErrorCode, isSemelError } from "@semel/sdk";
import { t } from "../i18n";
import type { Key } from "../i18n/en";
import { wordsOf } from "../lib/errors";

const words: Partial<Record<ErrorCode, Key>> = {
  wrong_code: "signin.wrongCode",
  challenge_over: "signin.codeOver",
  rate_limited: "signin.tooMany",
  suspended: "signin.suspended",
  network: "signin.unreachable",
};

/** What went wrong with signing in, and what to do next. */
export function wordsOfSignIn(error: unknown): string {
  const key = isSemelError(error) ? words[error.code] : undefined;
  return key === undefined ? wordsOf(error) : t(key);
}
