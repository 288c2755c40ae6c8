// The service worker: it makes the page open without a network. The policy of the page lets scripts be named by this
// one rule only.
//
// A new version waits until the person wants it: a page that loses its own files in the middle of something is worse than
// one that is a little old.

import { useSyncExternalStore } from "react";

declare global {
  interface Window {
    readonly trustedTypes?: {
      createPolicy(
        name: string,
        rules: { createScriptURL: (address: string) => string },
      ): { createScriptURL(address: string): string };
    };
  }
}

const ADDRESS = "/sw.js";
/** Milliseconds after which the page is loaded anew, whether the new version took over or not. */
const PATIENCE = 3_000;

let registration: ServiceWorkerRegistration | undefined;
let isReady = false;
const listeners = new Set<() => void>();

export function registerWorker(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  const rules = {
    createScriptURL: (address: string) => {
      if (address !== ADDRESS) throw new TypeError(`${address} is no script of ours`);
      return address;
    },
  };
  const policy = window.trustedTypes?.createPolicy("semel-worker", rules);
  navigator.serviceWorker
    .register(policy?.createScriptURL(ADDRESS) ?? ADDRESS)
    .then(follow)
    .catch(() => undefined);
}

function follow(found: ServiceWorkerRegistration): void {
  registration = found;
  if (found.waiting !== null) void consider(found.waiting);
  found.addEventListener("updatefound", () => {
    const { installing } = found;
    installing?.addEventListener("statechange", () => {
      // Without one before it, it does not wait.
      if (installing.state === "installed" && navigator.serviceWorker.controller !== null)
        void consider(installing);
    });
  });
}

/** A worker that waits. This page may be of its version already: the server's page is asked for first. */
async function consider(worker: ServiceWorker): Promise<void> {
  if (await isOfThisPage(worker)) worker.postMessage("take over");
  else tell();
}

function isOfThisPage(worker: ServiceWorker): Promise<boolean> {
  const parts = document.querySelectorAll<HTMLScriptElement | HTMLLinkElement>(
    "script[src], link[rel=stylesheet]",
  );
  const files = [...parts].map((part) => new URL("src" in part ? part.src : part.href).pathname);
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data === true);
    worker.postMessage({ files }, [port2]);
  });
}

function tell(): void {
  isReady = true;
  for (const listener of listeners) listener();
}

/** Looks whether the server has a newer version. It may have when it was away. */
export function lookForUpdate(): void {
  registration?.update().catch(() => undefined);
}

/** Whether there is a newer version than this page. */
export function useUpdate(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => isReady,
  );
}

/** Loads the page anew, in its newest version. */
export function update(): void {
  const reload = () => location.reload();
  navigator.serviceWorker.addEventListener("controllerchange", reload, { once: true });
  registration?.waiting?.postMessage("take over");
  setTimeout(reload, registration?.waiting ? PATIENCE : 0);
}
