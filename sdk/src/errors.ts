// Everything that the SDK throws or reports, with codes of a closed list.

import { type ServerCode, serverCodes } from "./protocol/codes.js";
import type { Problem } from "./protocol/wire.js";

/** Codes of the SDK itself, and whether the same may succeed later unchanged. */
export const localCodes = {
  /** No answer: the connection is gone, or was never there. Repeating is safe. */
  network: true,
  /** The answer cannot be read. */
  unreadable_answer: false,
  /** What the device keeps cannot be read or written. */
  storage_failed: false,
  /** The client was stopped. */
  stopped: false,
  /** The token is of another person than the account. */
  wrong_account: false,
  /** There are messages that were not sent; signing out would lose them. */
  unsent_messages: false,
  /** It waited for longer than the outbox keeps things. Ask the person. */
  expired: false,
  /** There is no such message on this device. */
  unknown_message: false,
  /** The call itself is wrong; the text says what to mend. */
  invalid_argument: false,
} as const;

/** A code of the SDK itself. */
export type LocalCode = keyof typeof localCodes;
/** Every code that an error of the SDK can have. */
export type ErrorCode = ServerCode | LocalCode;

/** An error of the SDK. `code` is for programs, `message` for developers. */
export class SemelError extends Error {
  override readonly name: string = "SemelError";
  readonly code: ErrorCode;
  /** Whether the same may succeed later, unchanged. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = isRetryable(code);
  }
}

/** The server refused. `problem` is what it answered. */
export class RefusedError extends SemelError {
  override readonly name = "RefusedError";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.code, problem.detail);
    this.problem = problem;
  }
}

/** Whether it is an error of the SDK. */
export function isSemelError(error: unknown): error is SemelError {
  return error instanceof SemelError;
}

/** Whether the server refused. */
export function isRefused(error: unknown): error is RefusedError {
  return error instanceof RefusedError;
}

/** Whether it is an error of the SDK with this code. */
export function hasCode<C extends ErrorCode>(
  error: unknown,
  code: C,
): error is SemelError & { readonly code: C } {
  return isSemelError(error) && error.code === code;
}

/** Whether the same may succeed later. Unknown codes of newer servers are not retried. */
export function isRetryable(code: string): boolean {
  const known: Readonly<Record<string, boolean>> = { ...serverCodes, ...localCodes };
  return known[code] ?? false;
}

/** Any error as one of the SDK. */
export function toSemelError(error: unknown, code: LocalCode, what: string): SemelError {
  if (isSemelError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new SemelError(code, `${what}: ${reason}`, { cause: error });
}
