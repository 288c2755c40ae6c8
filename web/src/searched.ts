// A message that somebody chose among what was found: its conversation goes there when it is on the screen.

import type { Message } from "@semel/sdk";
import { useSyncExternalStore } from "react";

let now: Message | undefined;
const listeners = new Set<() => void>();

export const searchedFor = {
  get: () => now,
  set(message: Message | undefined): void {
    now = message;
    for (const listener of listeners) listener();
  },
};

export function useSearchedFor(): Message | undefined {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, searchedFor.get);
}
