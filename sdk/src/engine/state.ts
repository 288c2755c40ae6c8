// The state of the connection, as it can be shown to people.

import type { ErrorCode } from "../errors.js";

/** Where the connection is. */
export type ConnectionPhase =
  /** Not started yet, or no tab leads yet. */
  | "idle"
  | "connecting"
  /** Connected, and learning what was missed. */
  | "syncing"
  /** Everything that the server had is here, and what comes is pushed. */
  | "online"
  /** Not connected; it will be tried again at `retry_at`. */
  | "waiting"
  /** The server keeps this device out until its person acts; `code` says why. */
  | "kept_out"
  | "stopped";

export interface ConnectionState {
  readonly phase: ConnectionPhase;
  /** Wall clock, when this phase began. */
  readonly since: number;
  /** Wall clock, when it is tried again. */
  readonly retry_at?: number;
  /** Why there is no connection. */
  readonly code?: ErrorCode;
}
