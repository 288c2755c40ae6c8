// The service worker: the page opens without a network. `scripts/finish.mjs` writes in which files there are. Nothing of
// the API goes through it; messages are kept by the SDK.

const CACHE = `semel-${"VERSION"}`;
const FILES = [
  /* FILES */
];

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(FILES))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const forget = async () => {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith("semel-") && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(forget());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (FILES.includes(url.pathname)) event.respondWith(file(request));
});

/** The server's page, so that a new version is seen at once; without a network the one that is kept. */
async function page(request) {
  try {
    const answer = await fetch(request);
    // Behind a balancer without servers there is an answer, and no page.
    if (answer.status < 500) return answer;
  } catch {
    // No network.
  }
  return (await caches.match("/")) ?? Response.error();
}

async function file(request) {
  return (await caches.match(request)) ?? fetch(request);
}
