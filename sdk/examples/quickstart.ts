// Two people talk, in twenty lines. Run by `test/server/quickstart.test.ts`, and by hand:
//   SEMEL_URL=http://127.0.0.1:8080 ADA=$(semel token ada) BOB=$(semel token bob) npx tsx examples/quickstart.ts

import { createClient, memoryStorage } from "@semel/sdk";

export async function talk(url: string, tokens: { ada: string; bob: string }): Promise<string[]> {
  const person = (userId: "ada" | "bob") =>
    createClient({ url, userId, auth: () => tokens[userId], storage: memoryStorage() });
  const ada = person("ada");
  const bob = person("bob");
  await Promise.all([ada.start(), bob.start()]);

  // Kept at once, sent when there is a connection, stored once.
  const stored = await ada.send({ user_id: "bob" }, "Hello Bob").stored();

  // The same chat, from Bob's side.
  const timeline = bob.openTimeline({ thread_id: stored.thread_id });
  await new Promise<void>((resolve) => {
    const look = () => (timeline.get().rows.length > 0 ? resolve() : undefined);
    timeline.subscribe(look);
    look();
  });
  await Promise.all([ada.stop(), bob.stop()]);
  return timeline.get().rows.map((row) => `${row.message.sender_id}: ${row.message.content}`);
}

const { SEMEL_URL, ADA, BOB } = process.env;
if (SEMEL_URL && ADA && BOB) console.log(await talk(SEMEL_URL, { ada: ADA, bob: BOB }));
