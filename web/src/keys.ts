// Keys that work everywhere.

import { useClient, useThreads } from "@semel/sdk/react";
import { useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { layers } from "./layers";
import { pathOfItem, peerOf } from "./lib/routes";

const REGIONS = ["rail", "list", "timeline", "composer", "details"];
const FOCUSABLE = "a[href], button:not([tabindex='-1']), textarea, input, [tabindex='0']";

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
      // A chat with a person has two addresses.
      const peer = peerOf(now);
      const id = peer !== undefined && "thread_id" in peer ? peer.thread_id : undefined;
      const at = items.findIndex(
        (item, place) => paths[place] === now || (id !== undefined && item.thread?.id === id),
      );
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
  if (peerOf(path) === undefined) return false;
  const thread_id = threads.find((item) => pathOfItem(item, me) === path)?.thread?.id;
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
