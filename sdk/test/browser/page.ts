// What runs in the page: the SDK as an application bundles it, and a small application with React.

import { type IDBPDatabase, openDB } from "idb";
import { createElement as h } from "react";
import { createRoot } from "react-dom/client";

import { browserStorage, type Client, createClient, type Timeline } from "../../src/index.js";
import { ClientProvider, useConnection, useThreads, useTimeline } from "../../src/react/index.js";

interface Start {
  readonly url: string;
  readonly userId: string;
  readonly token: string;
}

let client: Client;
let timeline: Timeline;

const page = {
  async start({ url, userId, token }: Start) {
    client = createClient({ url, userId, auth: () => token, storage: browserStorage() });
    await client.start();
  },
  open(peer: { user_id: string } | { thread_id: string }) {
    timeline = client.openTimeline(peer);
  },
  /** Resolves when the message is kept: from then on it may not be lost. */
  async send(user_id: string, content: string) {
    await client.send({ user_id }, content).kept;
  },
  sendMany(user_id: string, contents: string[]) {
    for (const content of contents) client.send({ user_id }, content);
  },
  rows: () =>
    timeline
      .get()
      .rows.map(({ key, state, message }) => ({ key, state, content: message.content })),
  phase: () => client.connection.get().phase,
  kept: () => client.keptIn.get(),
  waiting: () => client.outbox.get().waiting,
  draft: (user_id: string, text: string) => client.drafts.set({ user_id }, text),
  draftOf: (user_id: string) => client.drafts.of({ user_id }).get()?.text,
  stop: () => client.stop(),
  signOut: (unsent: "refuse" | "discard") => client.signOut(unsent),
  databases: async () => (await indexedDB.databases()).map(({ name }) => name),
  /** How many records a store has. */
  count: (store: string) => inDatabase((database) => database.count(store)),
  /** What is kept is of an older program: the next page to open it empties what can be had again. */
  age: () => inDatabase((database) => database.put("meta", { name: "cache_version", value: 0 })),
  locks: async () => (await navigator.locks.query()).held?.map(({ name }) => name) ?? [],
  /** Nothing of this tab runs for so long, as when a browser freezes it; its lock stays held. */
  block(milliseconds: number) {
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
  },
  react(user_id: string) {
    function App() {
      const connection = useConnection();
      const threads = useThreads();
      const { rows } = useTimeline({ user_id });
      const lines = rows.map((row) => h("li", { key: row.key, id: row.key }, row.message.content));
      return h(
        "main",
        null,
        h("p", null, `${connection.phase} ${threads.length}`),
        h("ul", null, lines),
      );
    }
    const root = document.createElement("div");
    document.body.append(root);
    createRoot(root).render(h(ClientProvider, { client }, h(App)));
  },
};

async function inDatabase<T>(work: (database: IDBPDatabase) => Promise<T>): Promise<T> {
  const [found] = await indexedDB.databases();
  const database = await openDB(found?.name ?? "");
  return work(database).finally(() => database.close());
}

export type Page = typeof page;

Object.assign(window, { page });
