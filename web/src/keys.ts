// Keys that work everywhere.

import { useClient, useThreads } from "@semel/sdk/react";
import { useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { layers } from "./layers";
import { isAt, pathOfItem } from "./lib/routes";

const REGIONS = ["rail", "list", "timeline", "composer", "details"];
const FOCUSABLE = ["a[href]", "button", "textarea", "input", "[tabindex='0']"]
  .map((one) => `${one}:not([tabindex='-1'])`)
  .join();

export function useShortcuts(): void {
  const { userId } = useClient();
  const threads = useThreads();
  const [path, go] = useLocation();
  const latest = useRef({ threads, path, go });
  latest.current = { threads, path, go };
  useEffect(() => {
    const step = (by: number, isUnreadOnly: boolean) => {
      const { threads: items, path: now, go: to } = latest.current;
      const paths = items.map((item) => pathOfItem(item, userId));
      const at = items.findIndex((item) => isAt(now, item, userId));
      for (let count = 1; count <= items.length; count += 1) {
        // From a place that is no chat: down to the first one, up to the last one.
        const from = at < 0 && by < 0 ? 0 : at;
        const place = (from + by * count + items.length * 2) % items.length;
        const next = paths[place];
        if (next === undefined) continue;
        if (!isUnreadOnly || (items[place]?.unreadCount ?? 0) > 0) return to(next);
      }
    };
    const onKey = (event: KeyboardEvent) => {
      const isCommand = event.ctrlKey || event.metaKey;
      if (isCommand && event.key.toLowerCase() === "k") layers.open({ type: "palette" });
      else if (isCommand && event.key === "/") layers.open({ type: "keys" });
      else if (isCommand && event.key.toLowerCase() === "f") {
        if (!searchHere(latest.current.path, latest.current.threads, userId)) return;
      } else if (layers.get() !== undefined) return;
      else if (event.altKey && event.key === "ArrowDown") step(1, event.shiftKey);
      else if (event.altKey && event.key === "ArrowUp") step(-1, event.shiftKey);
      else if (event.key === "F6") nextRegion(event.shiftKey ? -1 : 1);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [userId]);
}

function searchHere(path: string, threads: ReturnType<typeof useThreads>, me: string): boolean {
  const thread_id = threads.find((item) => isAt(path, item, me))?.thread?.id;
  if (thread_id === undefined) return false;
  layers.open({ type: "palette", thread_id });
  return true;
}

function nextRegion(by: number): void {
  const regions = REGIONS.flatMap((name) => {
    const region = document.querySelector<HTMLElement>(`[data-region="${name}"]`);
    return region !== null && region.offsetParent !== null ? [region] : [];
  });
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  const next = regions[(at + by + regions.length) % regions.length];
  next?.querySelector<HTMLElement>(FOCUSABLE)?.focus();
}

/** The first place of a region that takes the focus. Whether there is one. */
export function focusRegion(name: string): boolean {
  const region = document.querySelector<HTMLElement>(`[data-region="${name}"]`);
  const first =
    region?.querySelector<HTMLElement>("textarea") ?? region?.querySelector<HTMLElement>(FOCUSABLE);
  first?.focus();
  return first !== null && first !== undefined;
}
