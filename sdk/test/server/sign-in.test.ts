// Signing in at the real server; its codes come to its terminal.

import { afterAll, beforeAll, expect, test } from "vitest";

import { createClient, createSignIn, memoryStorage, type SignIn } from "../../src/index.js";
import { Server } from "../support/server.js";
import { until } from "../support/wait.js";

let server: Server;

beforeAll(async () => {
  server = await Server.start({ SEMEL_PHONE_SENDER: "terminal", SEMEL_EMAIL_SENDER: "terminal" });
});

afterAll(async () => {
  await server.close();
});

class Pocket {
  token: string | undefined;
  readonly all: (string | undefined)[] = [];
  get() {
    return this.token;
  }
  set(token: string | undefined) {
    this.token = token;
    this.all.push(token);
  }
}

function device(device_id: string, keep = new Pocket()) {
  const options = { url: server.url, device_id, device_name: `The ${device_id}`, keep };
  return { keep, signIn: createSignIn(options) };
}

async function codeFor(to: string): Promise<string> {
  const lines = () => [...server.log.matchAll(/code for (\S+): (\d+)/g)];
  return until(() => lines().findLast((line) => line[1] === to)?.[2], `a code for ${to}`);
}

async function enter(signIn: SignIn, kind: "phone" | "email", to: string): Promise<string> {
  const before = server.log.length;
  const { challenge_id } = await signIn.sendCode(kind, to);
  await until(() => server.log.includes(`code for ${to}`, before), "a new code");
  return (await signIn.verify(challenge_id, await codeFor(to))).user_id;
}

test("req_d2: codes sign in, tokens are renewed, devices are listed and signed out", async () => {
  const laptop = device("laptop");
  expect(await laptop.signIn.methods()).toEqual({ email: true, phone: true, providers: [] });
  await expect(laptop.signIn.token("needed")).rejects.toMatchObject({ code: "unauthenticated" });
  const ada = await enter(laptop.signIn, "phone", "+493012345678");
  const first = laptop.keep.token;
  const client = createClient({
    url: server.url,
    userId: ada,
    auth: laptop.signIn,
    storage: memoryStorage(),
  });
  await client.start();
  await until(() => client.connection.get().phase === "online", "a connection");

  // A new one in the place of the one that was refused; the one before it is not used again.
  const fresh = await Promise.all([laptop.signIn.token("refused"), laptop.signIn.token("refused")]);
  expect(fresh[1]).toBe(fresh[0]);
  expect(laptop.keep.all).toHaveLength(2);
  expect(laptop.keep.token).not.toBe(first);

  const phone = device("phone");
  expect(await enter(phone.signIn, "phone", "+493012345678")).toBe(ada);
  const sessions = await client.actions.sessions();
  expect(sessions.map((one) => [one.device_name, one.is_current])).toEqual([
    ["The phone", false],
    ["The laptop", true],
  ]);
  expect((await client.actions.identities()).map((one) => one.value)).toEqual(["+493012345678"]);
  await client.actions.revokeSession(sessions[0]?.session_id ?? "");
  await expect(phone.signIn.resume()).rejects.toMatchObject({ code: "session_revoked" });
  expect(phone.keep.token).toBeUndefined();
  await enter(phone.signIn, "phone", "+493012345678");
  await client.actions.revokeOtherSessions();
  await expect(phone.signIn.resume()).rejects.toMatchObject({ code: "session_revoked" });

  await client.signOut("refuse");
  expect(laptop.keep.token).toBeUndefined();
  await expect(laptop.signIn.token("needed")).rejects.toMatchObject({ code: "unauthenticated" });
});

test("a session that is ended elsewhere keeps the client out, and what it holds stays", async () => {
  const laptop = device("laptop");
  const mira = await enter(laptop.signIn, "email", "mira@example.org");
  const client = createClient({
    url: server.url,
    userId: mira,
    auth: laptop.signIn,
    storage: memoryStorage(),
  });
  await client.start();
  await client.send({ self: true }, "milk").stored();
  const other = device("phone");
  await enter(other.signIn, "email", "mira@example.org");
  const elsewhere = createClient({
    url: server.url,
    userId: mira,
    auth: other.signIn,
    storage: memoryStorage(),
  });
  await elsewhere.start();
  await elsewhere.actions.revokeOtherSessions();
  await until(() => client.connection.get().phase === "kept_out", "kept out");
  expect(client.connection.get().code).toBe("session_revoked");
  expect(client.threads.get()).toHaveLength(1);
  await Promise.all([client.stop(), elsewhere.stop()]);
});

test("a wrong code is told, and the right one still counts", async () => {
  const { signIn } = device("laptop");
  const { challenge_id } = await signIn.sendCode("phone", "030 12345670", "DE");
  const code = await codeFor("+493012345670");
  const wrong = code === "000000" ? "000001" : "000000";
  await expect(signIn.verify(challenge_id, wrong)).rejects.toMatchObject({ code: "wrong_code" });
  const one = await signIn.verify(challenge_id, code);
  // An answer that was lost can be asked for again.
  expect((await signIn.verify(challenge_id, code)).session_id).toBe(one.session_id);
});
