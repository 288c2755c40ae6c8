// Who is signed in on this device. The SDK's client lives as long as the session does.

import {
  browserStorage,
  type Client,
  createClient,
  createSignIn,
  hasCode,
  SemelError,
  type Witness,
} from "@semel/sdk";
import { useSyncExternalStore } from "react";
import { forgetAnchors } from "../conversation/anchors";
import { layers } from "../layers";
import { ownerOf } from "../lib/token";
import { searchedFor } from "../searched";
import { untell } from "../told";
import { type Account, keepAccount, onOtherAccount, readAccount } from "./account";
import { arrive } from "./arrival";
import { deviceId, deviceName } from "./device";
import { followInvites, forgetInvite, keepInvite } from "./invite";
import { claimLater } from "./operator";

/** In this tab: it has gone to a provider, and comes back with a cookie. */
const AWAY = "semel:away";
/** In this browser: the server was not told yet that it is signed out, and the cookie still is there. */
const LEAVING = "semel:leaving";

declare global {
  interface Window {
    /** Whoever tests this page may write down what it does and sees. */
    readonly semelWitness?: Witness;
  }
}

/** Why somebody has to sign in, where that is to be said. */
export type Reason = "notToken" | "expired" | "revoked" | "provider" | "suspended";

export type Session =
  | { readonly phase: "out"; readonly reason?: Reason }
  | { readonly phase: "opening" }
  /** A link brings another person's token than the one who is signed in. */
  | {
      readonly phase: "asking";
      readonly from: Account;
      readonly to: string;
      readonly token: string;
    }
  | {
      readonly phase: "in";
      readonly client: Client;
      /** Signed in at this server, not by a host application. */
      readonly isOwn: boolean;
      /** The server takes the sign-in no more; what is kept can still be read and written. */
      readonly isOver: boolean;
      /** An operator has suspended the person, as far as is known. */
      readonly isSuspended: boolean;
    };

/** Signing in at this server. */
export const signIn = createSignIn({
  url: location.origin,
  device_id: deviceId(),
  device_name: deviceName(navigator.userAgent),
  keep: "cookie",
});

let now: Session = { phase: "opening" };
const listeners = new Set<() => void>();

function set(next: Session): void {
  // Another person may sign in without a reload.
  if (now.phase === "in" && !(next.phase === "in" && next.client === now.client)) {
    layers.closeAll();
    searchedFor.set(undefined);
    void untell();
  }
  now = next;
  for (const listener of listeners) listener();
}

export function useSession(): Session {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => now,
  );
}

/** Goes on with what the address brings, or with who is signed in. */
export async function resume(): Promise<void> {
  onOtherAccount(({ user_id }) => {
    if (now.phase === "out" || (now.phase === "in" && now.client.userId !== user_id))
      location.reload();
  });
  const { token, operator, error, invite } = arrive();
  if (invite !== undefined) keepInvite(invite);
  followInvites();
  if (operator !== undefined) claimLater(operator);
  if (token !== undefined) return arriveWithToken(token);
  const wasAway = sessionStorage.getItem(AWAY) !== null;
  sessionStorage.removeItem(AWAY);
  if (error !== undefined)
    return set({ phase: "out", reason: error === "suspended" ? error : "provider" });
  if (wasAway) return comeBack();
  await leaveAtLast();
  const account = readAccount();
  if (account === undefined) set({ phase: "out" });
  else await open(account);
}

/** Whoever is signed in is asked before a link makes this page somebody else's. */
async function arriveWithToken(token: string): Promise<void> {
  const from = readAccount();
  const to = ownerOf(token);
  if (from === undefined || to === undefined || to === from.user_id) return enterWithToken(token);
  set({ phase: "asking", from, to, token });
}

/** Goes on as who was signed in before. */
export async function stay(account: Account): Promise<void> {
  await leaveAtLast();
  await open(account);
}

/** With a token of a host application. */
export async function enterWithToken(text: string): Promise<void> {
  const token = text.trim();
  const user_id = ownerOf(token);
  if (user_id === undefined) return set({ phase: "out", reason: "notToken" });
  await open({ user_id, token });
}

/** With the code that came. */
export async function enterWithCode(challenge_id: string, code: string): Promise<void> {
  const { user_id } = await signIn.verify(challenge_id, code);
  localStorage.removeItem(LEAVING);
  await open({ user_id });
}

/** To a provider; it comes back to where the person is now. */
export async function goToProvider(name: string): Promise<void> {
  const address = await signIn.startProvider(name, location.pathname);
  sessionStorage.setItem(AWAY, name);
  location.assign(address);
}

async function comeBack(): Promise<void> {
  try {
    const { user_id } = await signIn.resume();
    localStorage.removeItem(LEAVING);
    await open({ user_id });
  } catch (error) {
    set({ phase: "out", reason: hasCode(error, "suspended") ? "suspended" : "provider" });
  }
}

async function open(account: Account): Promise<void> {
  const { user_id: userId, token } = account;
  if (now.phase === "in") await now.client.stop();
  keepAccount(account);
  const client = createClient({
    url: location.origin,
    userId,
    auth: token === undefined ? { token: (reason) => signIn.token(reason), end } : ofHost(token),
    storage: browserStorage(),
    ...(window.semelWitness === undefined ? {} : { witness: window.semelWitness }),
  });
  client.connection.subscribe(() => follow(client));
  await client.start();
  set({ phase: "in", client, isOwn: token === undefined, isOver: false, isSuspended: false });
  follow(client);
}

function ofHost(token: string) {
  return async (reason: "needed" | "refused") => {
    if (reason === "refused") throw new SemelError("unauthenticated", "the token was refused");
    return token;
  };
}

/** Only the server can take the cookie away. Without a connection it is told at the next start. */
async function end(): Promise<void> {
  localStorage.setItem(LEAVING, "");
  await leaveAtLast();
}

async function leaveAtLast(): Promise<void> {
  if (localStorage.getItem(LEAVING) === null) return;
  await signIn.signOut().then(
    () => localStorage.removeItem(LEAVING),
    () => undefined,
  );
}

function follow(client: Client): void {
  const { phase, code } = client.connection.get();
  if (now.phase !== "in" || now.client !== client) return;
  // Another tab signed out.
  if (phase === "stopped") {
    forgetAnchors();
    set({ phase: "out" });
    return;
  }
  if (phase === "kept_out" && code === "session_revoked") return void leaveEnded(client);
  const isOver = phase === "kept_out" && ["unauthenticated", "wrong_account"].includes(code ?? "");
  // While it is tried again, what was known counts.
  const isKnown = phase === "kept_out" || phase === "syncing" || phase === "online";
  const isSuspended = isKnown ? code === "suspended" : now.isSuspended;
  if (isOver !== now.isOver || isSuspended !== now.isSuspended)
    set({ ...now, isOver, isSuspended });
}

/** To the sign-in; everything that is kept stays. */
export async function leaveForSignIn(): Promise<void> {
  const before = now;
  keepAccount(undefined);
  set({ phase: "out", reason: "expired" });
  if (before.phase === "in") await before.client.stop();
}

/** The sign-in was ended, from another device or by the server: who finds this one reads nothing on it. */
async function leaveEnded(client: Client): Promise<void> {
  set({ phase: "out", reason: "revoked" });
  keepAccount(undefined);
  forgetAnchors();
  await client.forget();
}

/** Removes everything of this person from this device. A fresh page has nothing of it in memory either. */
export async function signOut(unsent: "refuse" | "discard"): Promise<void> {
  if (now.phase !== "in") return;
  await now.client.signOut(unsent);
  keepAccount(undefined);
  forgetInvite();
  forgetAnchors();
  await untell();
  location.replace("/");
}
