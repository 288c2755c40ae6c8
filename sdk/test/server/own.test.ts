// Handles, own names, blocks and preferences, against the real server.

import { afterAll, beforeAll, expect, test } from "vitest";

import {
  blockPerson,
  type Client,
  changeFindability,
  changePreferences,
  createClient,
  getFindability,
  listBlocks,
  memoryStorage,
  nameContact,
  type Storage,
  setHandle,
  unblockPerson,
} from "../../src/index.js";
import { people, Server, tokenOf } from "../support/server.js";
import { until } from "../support/wait.js";

let server: Server;
const open: Client[] = [];

beforeAll(async () => {
  server = await Server.start();
});

afterAll(async () => {
  for (const client of open) await client.stop();
  await server.close();
});

async function online(userId: string, storage: Storage = memoryStorage()): Promise<Client> {
  const made = createClient({ url: server.url, userId, auth: () => tokenOf(userId), storage });
  open.push(made);
  await made.start();
  await until(() => made.connection.get().phase === "online", "a connection");
  return made;
}

/** Ada on two devices and Bob, who have talked. */
async function acquaintances() {
  const [ada = "", bob = ""] = await people(server, "ada", "bob");
  const kept = memoryStorage();
  const [phone, laptop, b] = [await online(ada), await online(ada, kept), await online(bob)];
  const { thread_id } = await phone.send({ user_id: bob }, "hello").stored();
  const knows = (one: Client) => one.contacts.get().some(({ user }) => user.user_id === bob);
  await until(() => knows(phone) && knows(laptop), "a contact");
  return { ada, bob, phone, laptop, b, thread_id, kept };
}

test("p_people_1 a handle is taken, found, held against others, and given up", async () => {
  const [ada = "", bob = ""] = await people(server, "ada", "bob");
  const [a, b] = [await online(ada), await online(bob)];
  const name = `a${Date.now()}`;
  expect((await setHandle(a, `@${name.toUpperCase()}`)).handle).toBe(name);
  expect((await b.actions.find({ handle: name }))?.user_id).toBe(ada);
  await expect(setHandle(b, name)).rejects.toMatchObject({ code: "handle_taken" });
  await expect(setHandle(b, "1")).rejects.toMatchObject({ code: "invalid_request" });
  expect(await getFindability(a)).toMatchObject({ handle: "everybody", phone: "nobody" });
  await changeFindability(a, { handle: "nobody" });
  expect(await getFindability(a)).toMatchObject({ handle: "nobody", phone: "nobody" });
  expect(await b.actions.find({ handle: name })).toBeUndefined();
  expect((await setHandle(a, "")).handle ?? null).toBeNull();
});

test("p_own_1 an own name is on all devices of who gave it, and nowhere else", async () => {
  const { bob, phone, laptop, b, kept } = await acquaintances();
  const before = phone.ownNames.get();
  expect((await nameContact(phone, bob, "Bobby")).own_name).toBe("Bobby");
  for (const device of [phone, laptop])
    await until(() => device.ownNames.get().get(bob) === "Bobby", "the own name");
  expect(phone.ownNames.get()).not.toBe(before);
  expect(phone.ownNames.get(), "the same object until it says something else").toBe(
    phone.ownNames.get(),
  );
  expect(b.ownNames.get().size).toBe(0);
  expect((await b.actions.user(bob)).display_name).toBe(`Name of ${bob}`);
  // What was changed while a device was away.
  await laptop.stop();
  await nameContact(phone, bob, "");
  await until(() => phone.ownNames.get().size === 0, "no own name");
  const again = await online(laptop.userId, kept);
  expect(again.ownNames.get().size).toBe(0);
});

test("p_block_4 blocks are on all devices of who made them, also of people who are no contacts", async () => {
  const { ada, bob, phone, laptop, b, kept } = await acquaintances();
  const [eve = ""] = await people(server, "eve");
  await laptop.stop();
  await blockPerson(phone, bob);
  await blockPerson(phone, eve);
  await until(() => phone.blocked.get().size === 2, "both");
  const again = await online(laptop.userId, kept);
  expect([...again.blocked.get()].sort()).toEqual([bob, eve].sort());
  expect((await listBlocks(phone)).items.map(({ user }) => user.user_id).sort()).toEqual(
    [bob, eve].sort(),
  );
  const refused = b.send({ user_id: ada }, "are you there?");
  await expect(refused.stored()).rejects.toMatchObject({ code: "unreachable" });
  expect(b.blocked.get().size).toBe(0);
  await unblockPerson(phone, bob);
  for (const device of [phone, again])
    await until(() => [...device.blocked.get()].join() === eve, "one of them");
  await b.send({ user_id: ada }, "and now?").stored();
});

test("p_own_2 a thread is muted on all devices of the person, and for nobody else", async () => {
  const { phone, laptop, b, thread_id, kept } = await acquaintances();
  const isMuted = (one: Client) =>
    one.threads.get().find(({ thread }) => thread?.id === thread_id)?.thread?.preferences.muted;
  expect((await changePreferences(phone, thread_id, { muted: true })).muted).toBe(true);
  for (const device of [phone, laptop]) await until(() => isMuted(device) === true, "muted");
  expect(isMuted(b)).toBe(false);
  await laptop.stop();
  await changePreferences(phone, thread_id, { muted: false });
  await until(() => isMuted(phone) === false, "not muted");
  const again = await online(laptop.userId, kept);
  expect(isMuted(again)).toBe(false);
});
