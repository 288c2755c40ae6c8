// What lies over the page: one dialog at a time. Their code is fetched when the first one opens.

import type { Row, Thread } from "@semel/sdk";
import { useSyncExternalStore } from "react";

export type Layer =
  | { readonly type: "new" }
  | { readonly type: "palette"; readonly thread_id?: string }
  | { readonly type: "keys" }
  | { readonly type: "details"; readonly thread: Thread }
  | { readonly type: "emoji"; readonly chosen: (emoji: string) => void }
  | { readonly type: "actions"; readonly row: Row; readonly act: RowActions }
  | {
      readonly type: "ask";
      readonly title: string;
      readonly note: string;
      readonly confirm: string;
      readonly act: () => void | Promise<void>;
    };

export interface RowActions {
  readonly reply: (row: Row) => void;
  readonly edit: (row: Row) => void;
  readonly react: (row: Row, emoji: string) => void;
  readonly copy: (row: Row) => void;
  readonly remove: (row: Row) => void;
}

let now: Layer | undefined;
const listeners = new Set<() => void>();

export const layers = {
  get: () => now,
  open(layer: Layer): void {
    now = layer;
    for (const listener of listeners) listener();
  },
  close(): void {
    now = undefined;
    for (const listener of listeners) listener();
  },
};

export function useLayer(): Layer | undefined {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, layers.get);
}
