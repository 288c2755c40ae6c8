// The link into a group that somebody came by. In this tab only, until it was used: the way to a provider and back leaves
// the page, and who is not signed in signs in first.

import { arrivalOf, JOIN } from "./arrival";

const NAME = "semel:invite";

const listeners = new Set<() => void>();

export function keepInvite(token: string | null): void {
  if (token === null) sessionStorage.removeItem(NAME);
  else sessionStorage.setItem(NAME, token);
  for (const listener of listeners) listener();
}

export function forgetInvite(): void {
  keepInvite(null);
}

export function inviteKept(): string | null {
  return sessionStorage.getItem(NAME);
}

/** Whether this page is there to follow a link. */
export function hasInvite(): boolean {
  return location.pathname === JOIN && inviteKept() !== null;
}

/** Another link may be put in the place of the one that this page has: the browser does not load it anew for that. */
export function followInvites(): void {
  addEventListener("hashchange", () => {
    const { invite } = arrivalOf(location.hash, location.pathname);
    if (invite === undefined) return;
    history.replaceState(null, "", location.pathname);
    keepInvite(invite);
  });
}

export function onInvite(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
