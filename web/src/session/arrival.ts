// What the address brings along, behind the `#`. It is read once and taken out: no history keeps it.

export interface Arrival {
  /** An access token of a host application. */
  readonly token?: string;
  /** Of the link that a fresh server prints. */
  readonly operator?: string;
  /** Why a provider's sign-in failed. */
  readonly error?: string;
}

const parts = { "#token=": "token", "#operator=": "operator", "#sign_in_error=": "error" } as const;

export function arrivalOf(hash: string): Arrival {
  for (const [start, name] of Object.entries(parts)) {
    if (!hash.startsWith(start) || hash === start) continue;
    try {
      return { [name]: decodeURIComponent(hash.slice(start.length)) };
    } catch {
      return {};
    }
  }
  return {};
}

export function arrive(): Arrival {
  const arrival = arrivalOf(location.hash);
  if (Object.keys(arrival).length > 0) {
    history.replaceState(null, "", location.pathname + location.search);
  }
  return arrival;
}
