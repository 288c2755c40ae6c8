// The service worker: it makes the page open without a network. The policy of the page lets scripts be named by this
// one rule only.

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
    .catch(() => undefined);
}
