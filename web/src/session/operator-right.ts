// Whether this person is an operator, as their token says. The server has the last word on everything that is tried.

import type { Client } from "@semel/sdk";
import { useClient, useConnection } from "@semel/sdk/react";
import { useEffect, useSyncExternalStore } from "react";

let isOperator = false;
const listeners = new Set<() => void>();

function set(next: boolean): void {
  if (next === isOperator) return;
  isOperator = next;
  for (const listener of listeners) listener();
}

/** Looks again: the right may be new, or gone. Without an answer what was known counts. */
export async function lookForOperatorRight(client: Client): Promise<void> {
  await client.actions.isOperator().then(set, () => undefined);
}

/** Looks at every connection. For one place of the page. */
export function useFollowOperatorRight(): void {
  const client = useClient();
  const { phase } = useConnection();
  useEffect(() => {
    if (phase === "online") void lookForOperatorRight(client);
  }, [client, phase]);
  // Of another person nothing is known.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is whose right it was.
  useEffect(() => () => set(false), [client]);
}

export function useIsOperator(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => isOperator,
  );
}
