// Two people talk, in twenty lines. Its test runs the commands of docs/SDK.md, which run it by hand.

import { createClient, memoryStorage } from "@semel/sdk";

export async function talk(url, tokens) {
  const person = (userId) =>
    createClient({ url, userId, auth: () => tokens[userId], storage: memoryStorage() });
  const ada = person("ada");
  const bob = person("bob");
  await Promise.all([ada.start(), bob.start()]);

  // People are made when they come, and nobody writes to somebody who was never here.
  await bob.actions.user("me");

  // Kept at once, sent when there is a connection, stored once.
  const stored = await ada.send({ user_id: "bob" }, "Hello Bob").stored();

  // The same chat, from Bob's side.
  const timeline = bob.openTimeline({ thread_id: stored.thread_id });
  await new Promise((resolve) => {
    const look = () => (timeline.get().rows.length > 0 ? resolve() : undefined);
    timeline.subscribe(look);
    look();
  });
  await Promise.all([ada.stop(), bob.stop()]);
  return timeline.get().rows.map((row) => `${row.message.sender_id}: ${row.message.content}`);
}

const { CHAT_URL, ADA, BOB } = process.env;
if (CHAT_URL && ADA && BOB) console.log(await talk(CHAT_URL, { ada: ADA, bob: BOB }));
