// What one tab does for all tabs of a person, by locks of the browser: they are free at once when a tab goes, however.

import { useEffect, useMemo, useRef } from "react";

/** Whether this tab is the one that tells, and whether somebody looks at any of them. */
export interface OneTab {
  /** Without locks every tab is the one. */
  readonly isTheOne: () => boolean;
  readonly isLookedAt: () => Promise<boolean>;
}

export function useOneTab(userId: string): OneTab {
  const isTheOne = useRef(false);
  useEffect(() => {
    if (!("locks" in navigator)) return;
    const end = new AbortController();
    const gone = new Promise<void>((resolve) =>
      end.signal.addEventListener("abort", () => resolve()),
    );
    const hold = () => {
      isTheOne.current = true;
      return gone;
    };
    navigator.locks
      .request(`semel:tells:${userId}`, { signal: end.signal }, hold)
      .catch(() => undefined);
    return () => {
      isTheOne.current = false;
      end.abort();
    };
  }, [userId]);
  useEffect(() => {
    if (!("locks" in navigator)) return;
    const name = lookedAt(userId);
    let release: (() => void) | undefined;
    const look = () => {
      if (isSeen() === (release !== undefined)) return;
      release?.();
      release = undefined;
      if (!isSeen()) return;
      const over = new Promise<void>((resolve) => {
        release = resolve;
      });
      navigator.locks.request(name, { mode: "shared" }, () => over).catch(() => undefined);
    };
    look();
    document.addEventListener("visibilitychange", look);
    addEventListener("focus", look);
    addEventListener("blur", look);
    return () => {
      release?.();
      document.removeEventListener("visibilitychange", look);
      removeEventListener("focus", look);
      removeEventListener("blur", look);
    };
  }, [userId]);
  return useMemo(
    () => ({
      isTheOne: () => isTheOne.current || !("locks" in navigator),
      isLookedAt: async () => {
        if (isSeen() || !("locks" in navigator)) return isSeen();
        const { held = [] } = await navigator.locks.query();
        return held.some(({ name }) => name === lookedAt(userId));
      },
    }),
    [userId],
  );
}

/** Every tab that somebody looks at shares this lock. */
function lookedAt(userId: string): string {
  return `semel:looked-at:${userId}`;
}

function isSeen(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}
