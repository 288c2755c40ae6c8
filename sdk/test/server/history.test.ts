// People chat while the network breaks, answers get lost, devices die and the server is killed; what they did and saw is judged
// by `semel check`, which knows nothing of the SDK.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { MemoryDatabase } from "../../src/database/memory.js";
import { Recorder, type SessionRecord } from "../../src/history/index.js";
import type { Entry, Thread } from "../../src/protocol/wire.js";
import { dice } from "../model/clock.js";
import { Life } from "../support/mortal.js";
import { BadProxy } from "../support/proxy.js";
import { people, Server } from "../support/server.js";
import { until } from "../support/wait.js";

const SEED = Number(process.env["SEMEL_SDK_SEED"] ?? 1);
const ROUNDS = 24;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** One device over all its lives. */
class Device {
  life: Life;
  record: SessionRecord;
  readonly #kept = new MemoryDatabase();
  readonly #url: string;
  readonly #recorder: Recorder;
  readonly user_id: string;

  constructor(url: string, user_id: string, recorder: Recorder) {
    this.#url = url;
    this.#recorder = recorder;
    this.user_id = user_id;
    this.record = recorder.session(user_id, "device");
    this.life = this.#begin();
  }

  dieAndComeBack(): void {
    this.life.die();
    this.record.crashed();
    this.record = this.#recorder.session(this.user_id, "device");
    this.life = this.#begin();
  }

  #begin(): Life {
    const life = new Life(this.#url, this.user_id, this.#kept, this.record);
    void life.client.start();
    return life;
  }
}

test("fault_p1 req_b4 req_b5 req_b7 req_b8 story_d1 story_l10: what devices do and see under faults passes `semel check`", async () => {
  const random = dice(SEED);
  const server = await Server.start();
  const proxy = await BadProxy.start(() => Number(new URL(server.url).port));
  const ids = await people(server, "ada", "bob", "cat");
  const recorder = new Recorder();
  const group = await recorder.call(ids[0] ?? "", "create", async () => {
    const body = { participants: ids, thread_type: "group", title: "Faults" };
    type Made = { thread: Thread };
    const { thread } = await server.call<Made>(
      ids[0] ?? "",
      "POST",
      "/api/chat/create-or-get",
      body,
    );
    return { thread_id: thread.id, epoch: thread.epoch };
  });
  const devices = ids.map((id) => new Device(proxy.url, id, recorder));
  let written = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { life } of devices) {
      for (let count = 0; count < 3; count += 1) {
        written += 1;
        life.client.send({ thread_id: group.thread_id }, `message ${written}`);
      }
    }
    await pause(40 + random() * 120);
    const fate = random();
    if (fate < 0.25) proxy.cut();
    else if (fate < 0.5) await proxy.loseAnswers(60);
    else if (fate < 0.65) {
      await server.kill();
      recorder.push({ kind: "node", action: "killed" });
      await server.up();
      recorder.push({ kind: "node", action: "started" });
    } else if (fate < 0.85) devices[Math.floor(random() * devices.length)]?.dieAndComeBack();
  }
  const isQuiet = ({ life }: Device) =>
    life.client.outbox.get().waiting === 0 && life.client.connection.get().phase === "online";
  await until(() => devices.every(isQuiet), "empty outboxes", 60_000).catch((error: unknown) => {
    for (const { life } of devices)
      console.log(life.client.connection.get(), life.client.outbox.get());
    throw error;
  });
  const thread = await finish(server, recorder, ids, group.thread_id, devices);
  expect(thread.message_count).toBeGreaterThan(ROUNDS * 3);
  const verdict = await check(recorder, {
    seed: SEED,
    commit: "working tree",
    command: `SEMEL_SDK_SEED=${SEED} vitest run test/server/history.test.ts`,
    options: { expect: "acknowledged,retried,unknown,concurrent,restart,converged,agreed" },
  });
  expect(verdict.code, verdict.text).toBe(0);
  for (const { life } of devices) await life.client.stop();
  await proxy.close();
  await server.close();
}, 180_000);

test("a history of a message that is there twice does not pass", async () => {
  const recorder = new Recorder();
  const thread = recorder.thread("t", 1);
  const record = recorder.session("ada", "device");
  const client_id = "0198a4b2-7c1d-7a52-9c3e-5f0d8e6b1a34";
  const destination = { type: "thread", thread_id: "t" } as const;
  const attempt = record.attempt({ client_id, destination, content: "hello", in_order: true });
  const message = (seq: number, id: string) => ({
    type: "message",
    thread_id: "t",
    rev: seq,
    epoch: 1,
    actor_id: "ada",
    message: {
      id,
      thread_id: "t",
      seq,
      rev: seq,
      sender_id: "ada",
      client_id,
      kind: "text",
      content: "hello",
    },
  });
  const entries = [
    message(1, "0198a4b2-7c1d-7a52-9c3e-5f0d8e6b1a01"),
    message(2, "0198a4b2-7c1d-7a52-9c3e-5f0d8e6b1a02"),
  ] as unknown as Entry[];
  const stored = (entries[0] as unknown as { message: never }).message;
  record.outcome(attempt, { type: "stored", message: stored, duplicate: false });
  recorder.final(entries, { thread_id: "t", epoch: 1, rev: 2, seq: 2 });
  expect(thread).toBe(1);
  const options = { expect: "nothing" };
  const verdict = await check(recorder, { seed: 1, commit: "", command: "", options });
  expect(verdict.code, verdict.text).toBe(1);
});

/** Records what is there at the end, as two readers see it, and how far each device has come. */
async function finish(
  server: Server,
  recorder: Recorder,
  ids: readonly string[],
  thread_id: string,
  devices: readonly Device[],
): Promise<Thread> {
  const path = `/api/chat/threads/${thread_id}`;
  const { thread } = await server.call<{ thread: Thread }>(ids[0] ?? "", "GET", path);
  for (const reader of ids.slice(0, 2)) {
    const entries: Entry[] = [];
    for (let more = true; more; ) {
      const query = `after_rev=${entries.at(-1)?.rev ?? 0}&limit=500`;
      type Page = { entries: Entry[]; more: boolean };
      const page = await server.call<Page>(reader, "GET", `${path}/entries?${query}`);
      entries.push(...page.entries);
      ({ more } = page);
    }
    const { epoch, last_rev: rev, last_seq: seq } = thread;
    recorder.final(entries, { thread_id, epoch, rev, seq });
  }
  for (const { life, record } of devices) {
    const timeline = life.client.openTimeline({ thread_id });
    await until(() => timeline.get().thread?.last_rev === thread.last_rev, "the end of the log");
    timeline.close();
    record.cursors();
  }
  return thread;
}

async function check(
  recorder: Recorder,
  header: Parameters<Recorder["lines"]>[0],
): Promise<{ code: number; text: string }> {
  const folder = await mkdtemp(join(tmpdir(), "semel-sdk-history-"));
  const file = join(folder, "run.history");
  await writeFile(file, recorder.lines(header));
  const program =
    process.env["SEMEL_BIN"] ?? new URL("../../../target/debug/semel", import.meta.url).pathname;
  const verdict = await new Promise<{ code: number; text: string }>((resolve) => {
    execFile(program, ["check", file], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), text: `${stdout}${stderr}` });
    });
  });
  await rm(folder, { recursive: true });
  return verdict;
}
