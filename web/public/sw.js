// The service worker: the page opens without a network. `scripts/finish.mjs` writes in which files there are. Nothing of
// the API goes through it; messages are kept by the SDK.

const CACHE = `semel-${"VERSION"}`;
const FILES = [
  /* FILES */
];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});

// The page asks for it when its person does; till then the version before serves the pages that are open.
self.addEventListener("message", (event) => {
  if (event.data === "take over") event.waitUntil(self.skipWaiting());
  // Whether a page with these files is of this version.
  else event.ports[0]?.postMessage(event.data.files.every((name) => FILES.includes(name)));
});

self.addEventListener("activate", (event) => {
  const forget = async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("semel-"));
    // Other tabs may still be of the version before, and fetch parts of it.
    const old = names.filter((name) => name !== CACHE).slice(0, -1);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(forget());
});

// To the chat that it tells of, in a page that is open, else in a new one.
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openAt(event.notification.data));
});

async function openAt({ path, user_id }) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((one) => one.visibilityState === "visible") ?? pages[0];
  if (page === undefined) return self.clients.openWindow(path);
  page.postMessage({ path, user_id });
  // Not every browser lets itself be brought to the front.
  await page.focus().catch(() => undefined);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (FILES.includes(url.pathname) || url.pathname.startsWith("/assets/"))
    event.respondWith(file(request));
});

/** Milliseconds that the server has to answer before the page that is kept is shown. */
const PATIENCE = 2000;

/** The server's page, so that a new version is seen at once; without an answer in time the one that is kept. */
async function page(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match("/");
  if (kept === undefined) return fetch(request);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, kept));
  // Behind a balancer without servers there is an answer, and no page.
  const asked = fetch(request).then((answer) => (answer.status < 500 ? answer : kept));
  return Promise.race([asked.catch(() => kept), late]);
}

/** Parts have names of their own in every version; the rest is of this one. */
async function file(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request)) ?? (await caches.match(request)) ?? fetch(request);
}
