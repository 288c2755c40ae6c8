// HTTP calls and their answers.

import { RefusedError, SemelError, toSemelError } from "../errors.js";
import type { Problem } from "../protocol/wire.js";
import { ANSWER_TIMEOUT, type Call } from "./port.js";

/** An address without a slash at its end. */
export function baseOf(url: string): string {
  return url.replace(/\/+$/, "");
}

/** `data` of a call's answer. Rejects with `RefusedError`, or with `network` when there is none. */
export async function fetchData<T>(
  base: string,
  call: Call,
  given: {
    readonly headers: Readonly<Record<string, string>>;
    readonly credentials: RequestCredentials;
  },
): Promise<T> {
  const headers: Record<string, string> = { ...given.headers };
  const { body } = call;
  if (body instanceof Blob) headers["content-type"] = body.type || "application/octet-stream";
  else if (body !== undefined) headers["content-type"] = "application/json";
  if (call.idempotency_key !== undefined) headers["idempotency-key"] = call.idempotency_key;
  const request: RequestInit = {
    method: call.method,
    headers,
    credentials: given.credentials,
    signal: AbortSignal.timeout(ANSWER_TIMEOUT),
  };
  if (body !== undefined) request.body = body instanceof Blob ? body : JSON.stringify(body);
  let status: number;
  let text: string;
  try {
    const answer = await fetch(`${base}${call.path}${queryOf(call)}`, request);
    status = answer.status;
    text = await answer.text();
  } catch (error) {
    throw toSemelError(error, "network", `${call.method} ${call.path}`);
  }
  return readAnswer(status, text, call);
}

function readAnswer<T>(status: number, text: string, call: Call): T {
  const body = parse(text) as { status?: unknown; data?: T; code?: unknown } | undefined;
  if (body?.status === "success") return body.data as T;
  if (typeof body?.code === "string") throw new RefusedError(body as unknown as Problem);
  // A proxy in between answers in its own words: whether the server did it is not known.
  const code = status >= 500 || status === 429 ? "network" : "unreadable_answer";
  throw new SemelError(
    code,
    `${call.method} ${call.path}: status ${status}, not an answer of Semel`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function queryOf(call: Call): string {
  const given = Object.entries(call.query ?? {}).filter(([, value]) => value !== undefined);
  if (given.length === 0) return "";
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}
