// How the page looks and behaves on this device. `public/boot.js` reads the same record before the first paint.

import { useSyncExternalStore } from "react";

const NAME = "semel:look";

export interface Look {
  readonly theme: "system" | "light" | "dark";
  readonly language: "en" | "ar";
  /** What the Enter key does in the message field. */
  readonly enter: "send" | "break";
  readonly notices: "on" | "off";
  /** Width of the column of lists on wide screens, in pixels. */
  readonly listWidth: number;
}

/** Between these the column of lists may be made narrower and wider. */
export const LIST_WIDTH = { least: 280, usual: 336, most: 420 } as const;

const usual: Look = {
  theme: "system",
  language: "en",
  enter: "send",
  notices: "on",
  listWidth: LIST_WIDTH.usual,
};

function read(): Look {
  try {
    return { ...usual, ...(JSON.parse(localStorage.getItem(NAME) ?? "{}") as Partial<Look>) };
  } catch {
    return usual;
  }
}

let now = read();
const listeners = new Set<() => void>();
const darkSystem = matchMedia("(prefers-color-scheme: dark)");

function paint(): void {
  document.documentElement.dataset["theme"] = isDark() ? "dark" : "light";
}

export function isDark(): boolean {
  return now.theme === "dark" || (now.theme === "system" && darkSystem.matches);
}

export const look = {
  get: () => now,
  set(next: Look): void {
    now = next;
    try {
      localStorage.setItem(NAME, JSON.stringify(next));
    } catch {
      // It lasts until the page is closed.
    }
    paint();
    for (const listener of listeners) listener();
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

export function useLook(): Look {
  return useSyncExternalStore(look.subscribe, look.get);
}

darkSystem.addEventListener("change", paint);
paint();
