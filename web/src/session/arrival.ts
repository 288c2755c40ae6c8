// What the address brings along, behind the `#`. It is read once and taken out: no history keeps it.

export interface Arrival {
  /** An access token of a host application. */
  readonly token?: string;
  /** Of the link that a fresh server prints. */
  readonly operator?: string;
  /** Why a provider's sign-in failed. */
  readonly error?: string;
  /** Of a link into a group; `null` where the address is of one that was cut off. */
  readonly invite?: string | null;
}

/** Where links into groups lead. */
export const JOIN = "/join";
/** What such a link has behind the `#`. */
const INVITE = /^#[\w-]{43}$/;

const parts = { "#token=": "token", "#operator=": "operator", "#sign_in_error=": "error" } as const;

export function arrivalOf(hash: string, path = "/"): Arrival {
  for (const [start, name] of Object.entries(parts)) {
    if (!hash.startsWith(start) || hash === start) continue;
    try {
      return { [name]: decodeURIComponent(hash.slice(start.length)) };
    } catch {
      return {};
    }
  }
  if (path !== JOIN || hash.length < 2) return {};
  return { invite: INVITE.test(hash) ? hash.slice(1) : null };
}

export function arrive(): Arrival {
  const arrival = arrivalOf(location.hash, location.pathname);
  if (Object.keys(arrival).length > 0) {
    history.replaceState(null, "", location.pathname + location.search);
  }
  return arrival;
}
