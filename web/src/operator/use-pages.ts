// Lists that the server gives page by page.

import type { Client, Page } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { useCallback, useEffect, useState } from "react";
import { wordsOf } from "../lib/errors";

/** What is there so far, and more of it. `ask` is the same function each time. */
export function usePages<T>(ask: (client: Client, cursor?: string) => Promise<Page<T>>) {
  const client = useClient();
  const [items, setItems] = useState<readonly T[]>();
  const [cursor, setCursor] = useState<string>();
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const load = useCallback(
    async (before: readonly T[], from: string | undefined) => {
      setBusy(true);
      setError("");
      try {
        const page = await ask(client, from);
        setItems([...before, ...page.items]);
        setCursor(page.next);
      } catch (problem) {
        setError(wordsOf(problem));
      }
      setBusy(false);
    },
    [client, ask],
  );
  const again = useCallback(() => void load([], undefined), [load]);
  useEffect(again, [again]);
  const more = () => void load(items ?? [], cursor);
  return { items, hasMore: cursor !== undefined, error, isBusy, more, again };
}
