import { useClient } from "@semel/sdk/react";
import { useEffect, useSyncExternalStore } from "react";

/** People by id, as far as the server told. */
let known: ReadonlyMap<string, string> = new Map();
const asked = new Set<string>();
const listeners = new Set<() => void>();

/** What people are called who need not be anybody's contacts; the id until it is known. */
export function useNamesOf(ids: readonly string[]): (id: string) => string {
  const client = useClient();
  const names = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => known,
  );
  const missing = [...new Set(ids)].filter((id) => !names.has(id)).join("\n");
  useEffect(() => {
    const learn = async (id: string) => {
      if (asked.has(id)) return;
      asked.add(id);
      try {
        const { display_name } = await client.actions.user(id);
        known = new Map([...known, [id, display_name]]);
        for (const listener of listeners) listener();
      } catch {
        // The id says enough; another look asks again.
        asked.delete(id);
      }
    };
    for (const id of missing.split("\n").filter(Boolean)) void learn(id);
  }, [client, missing]);
  return (id) => names.get(id) ?? id;
}
