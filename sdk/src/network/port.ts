// The way to the server. `sockets.ts` is the real one; tests bring their own.

import type { Ack } from "../protocol/wire.js";

/** Who connects. */
export interface Credentials {
  readonly token: string;
  /** This device's name for itself. */
  readonly device_id: string;
}

/** What a connection tells. */
export interface LinkListener {
  /** An event of the server, in the order in which it came. */
  event(name: string, data: unknown): void;
  /** It is over. Called once, also when we closed it. */
  closed(): void;
}

/** One open connection. */
export interface Link {
  /** The acknowledgement of an event. Rejects with `network` when the connection ends first. */
  ask<T>(name: string, data: unknown): Promise<Ack<T>>;
  /** Ends it. */
  close(): void;
}

/** One HTTP call. */
export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** From `/api` on. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** A blob is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly idempotency_key?: string;
}

/** The way to the server. */
export interface Network {
  /** Connects and is let in. Rejects with a `SemelError`: the server.s code, or `network`. */
  connect(credentials: Credentials, listener: LinkListener): Promise<Link>;
  /** `data` of a call's answer. Rejects with `RefusedError`, or with `network` when there is none. */
  call<T>(token: string, call: Call): Promise<T>;
}

/** Milliseconds after which an unanswered event or call counts as lost. */
export const ANSWER_TIMEOUT = 20_000;
