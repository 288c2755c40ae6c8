// What lies over the page: one dialog at a time. Their code is fetched when the first one opens. On wide screens the
// details of a conversation stand beside it instead.

import type { Message, Row, Thread } from "@semel/sdk";
import { useSyncExternalStore } from "react";

export type Layer =
  | { readonly type: "new" }
  | { readonly type: "palette"; readonly thread_id?: string }
  | { readonly type: "keys" }
  | {
      readonly type: "details";
      readonly thread: Thread;
      /** What it shows at once. */
      readonly part?: "invites";
    }
  | { readonly type: "person"; readonly user_id: string }
  | { readonly type: "report"; readonly about: Message | { readonly user_id: string } }
  | { readonly type: "emoji"; readonly chosen: (emoji: string) => void }
  | { readonly type: "actions"; readonly row: Row; readonly act: RowActions }
  | {
      readonly type: "ask";
      readonly title: string;
      readonly note: string;
      readonly confirm: string;
      /** `reason` is what was written, where the layer `wantsReason`. */
      readonly act: (reason: string) => void | Promise<void>;
      /** It takes nothing from anybody. */
      readonly isHarmless?: true;
      /** Why it is done has to be said. */
      readonly wantsReason?: true;
      /** What was open before, and is again afterwards. */
      readonly back?: Layer;
    };

/** What can be done with messages here; what is left out is not offered. */
export interface RowActions {
  readonly reply?: (row: Row) => void;
  readonly edit?: (row: Row) => void;
  readonly react?: (row: Row, emoji: string) => void;
  readonly copy: (row: Row) => void;
  /** Goes to the message that it answers, where that is loaded. */
  readonly original?: (row: Row) => void;
  readonly remove?: (row: Row) => void;
  /** Tells the operators what is wrong with it. */
  readonly report?: (row: Row) => void;
  /** As an operator of the server, whoever said it. */
  readonly removeAsOperator?: (row: Row) => void;
}

let now: Layer | undefined;
let docked: Layer | undefined;
const listeners = new Set<() => void>();
/** From this width on (1360 px with letters of the usual size) there is room for the details beside the conversation. */
const wide = matchMedia("(min-width: 85rem)");

function set(over: Layer | undefined, beside: Layer | undefined): void {
  now = over;
  docked = beside;
  for (const listener of listeners) listener();
}

function isDetails(layer: Layer | undefined): boolean {
  return layer?.type === "details" || layer?.type === "person";
}

/** Opens a layer where it belongs. */
function put(layer: Layer | undefined): void {
  if (wide.matches && isDetails(layer)) set(undefined, layer);
  else set(layer, docked);
}

wide.addEventListener("change", () => {
  if (!wide.matches) set(now ?? docked, undefined);
  else if (isDetails(now)) set(undefined, now);
});

export const layers = {
  get: () => now,
  /** What stands beside the conversation. */
  beside: () => docked,
  open: put,
  close(): void {
    put(now?.type === "ask" ? now.back : undefined);
  },
  /** What stands beside the conversation goes. */
  undock(): void {
    if (docked !== undefined) set(now, undefined);
  },
  /** Also what would come back. */
  closeAll(): void {
    set(undefined, undefined);
  },
};

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLayer(): Layer | undefined {
  return useSyncExternalStore(subscribe, layers.get);
}

export function useDocked(): Layer | undefined {
  return useSyncExternalStore(subscribe, layers.beside);
}
