// Whether there is a connection, without the flicker of every new try.

import type { Client } from "@semel/sdk";
import { useClient, useConnection } from "@semel/sdk/react";
import { useEffect, useState } from "react";
import { goneSince } from "../lib/absence";

/** Milliseconds without a connection before it is said. */
const PATIENCE = 2_000;

/** Since when there is none, whatever asks. */
let lostAt: number | undefined;

/** Whether there was no connection for so long that it is to be said. */
export function useIsAway(): boolean {
  const { phase, since } = useConnection();
  lostAt = goneSince(lostAt, phase, since);
  const isLate = useLate(lostAt);
  return isLate && lostAt !== undefined;
}

/** Whether it is gone for longer than that. */
function useLate(from: number | undefined): boolean {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    if (from === undefined) return setLate(false);
    const timer = setTimeout(() => setLate(true), Math.max(0, PATIENCE - (Date.now() - from)));
    return () => clearTimeout(timer);
  }, [from]);
  return isLate;
}

const synced = new WeakSet<Client>();
const tried = new WeakSet<Client>();

/**
 * Whether everything that was missed came since this page was opened: what is not there then is not there. `tried`: it could
 * not be had so far.
 */
export function useHasSynced(): "not yet" | "tried" | "synced" {
  const client = useClient();
  const { phase } = useConnection();
  const isAway = useIsAway();
  if (phase === "online") synced.add(client);
  else if (isAway) tried.add(client);
  if (synced.has(client)) return "synced";
  return tried.has(client) ? "tried" : "not yet";
}
