// What the browsers of a test do and see, in the form of docs/HISTORY.md, for `semel check` to judge.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import type { Entry, Thread, Witness } from "@semel/sdk";
import { Recorder, type SessionRecord } from "@semel/sdk/history";
import { expect, type Server } from "./support";

type Name = keyof Witness | "begin" | "end" | "set_up";

interface Event {
  /** Milliseconds since 1970, by a clock that does not go back while the page lives. */
  readonly at: number;
  /** One life of a page. */
  readonly life: string;
  readonly user: string;
  readonly name: Name;
  readonly given: readonly unknown[];
}

const clock = () => performance.timeOrigin + performance.now();

export class History {
  readonly #events: Event[] = [];
  #lives = 0;

  /** From now on, every page that is loaded in this tab is a life of `user`'s device. */
  async watch(page: Page, user: string): Promise<void> {
    let life = "";
    const close = (at: number) => {
      if (life !== "") this.#events.push({ at, life, user, name: "end", given: [] });
      life = "";
    };
    await page.exposeFunction("semelTell", (at: number, name: Name, given: unknown[]) => {
      if (name === "begin") {
        close(at);
        this.#lives += 1;
        life = `${this.#lives}`;
      }
      this.#events.push({ at, life, user, name, given });
    });
    page.on("close", () => close(clock()));
    await page.addInitScript(() => {
      const page = window as unknown as Record<string, unknown>;
      const tell = page["semelTell"] as (...told: unknown[]) => void;
      const now = () => performance.timeOrigin + performance.now();
      let attempts = 0;
      tell(now(), "begin", []);
      page["semelWitness"] = {
        attempt: (attempt: unknown) => {
          attempts += 1;
          tell(now(), "attempt", [attempt, attempts]);
          return attempts;
        },
        ...Object.fromEntries(
          ["outcome", "arrival", "apply", "reset", "left"].map((name) => [
            name,
            (...given: unknown[]) => tell(now(), name, given),
          ]),
        ),
      };
    });
  }

  /** A group, made past any browser. */
  async group(server: Server, from: string, others: readonly string[]): Promise<string> {
    const begun = clock();
    const thread_id = await server.threadOf(from, others, "Once");
    const { thread } = await read<{ thread: Thread }>(server, from, thread_id, "");
    const given = [thread, clock()];
    this.#events.push({ at: begun, life: "", user: from, name: "set_up", given });
    return thread_id;
  }

  /** Fails unless the checker accepts what was seen, and the run did what it `expects`. */
  async judge(server: Server, thread_id: string, readers: readonly string[], expects: string) {
    const events = [...this.#events].sort((a, b) => a.at - b.at);
    let now = events[0]?.at ?? 0;
    const recorder = new Recorder(() => now);
    const lives = new Map<string, SessionRecord>();
    const attempts = new Map<string, number>();
    for (const event of events) {
      now = event.at;
      if (event.name === "set_up")
        await setUp(recorder, event, (at) => {
          now = at;
        });
      else replay(recorder, lives, attempts, event);
    }
    now = Math.max(now, clock());
    for (const reader of readers) {
      const { thread } = await read<{ thread: Thread }>(server, reader, thread_id, "");
      const entries: Entry[] = [];
      for (let more = true; more; ) {
        const query = `/entries?after_rev=${entries.at(-1)?.rev ?? 0}&limit=500`;
        const page = await read<{ entries: Entry[]; more: boolean }>(
          server,
          reader,
          thread_id,
          query,
        );
        entries.push(...page.entries);
        ({ more } = page);
      }
      const { epoch, last_rev: rev, last_seq: seq } = thread;
      recorder.final(entries, { thread_id, epoch, rev, seq });
    }
    for (const record of lives.values()) record.cursors();
    const options = { expect: expects };
    const lines = recorder.lines({ seed: 0, commit: "working tree", command: "make web", options });
    const { code, text } = await check(lines);
    expect(code, text).toBe(0);
  }
}

async function setUp(recorder: Recorder, event: Event, advance: (at: number) => void) {
  const [thread, done] = event.given as [Thread, number];
  await recorder.call(event.user, "create", async () => {
    advance(done);
    return { thread_id: thread.id, epoch: thread.epoch };
  });
}

function replay(
  recorder: Recorder,
  lives: Map<string, SessionRecord>,
  attempts: Map<string, number>,
  { life, user, name, given }: Event,
): void {
  if (name === "begin") {
    lives.set(life, recorder.session(user, `browser of ${user}`));
    return;
  }
  const record = lives.get(life);
  if (record === undefined) return;
  if (name === "end") {
    record.crashed();
    lives.delete(life);
  } else if (name === "attempt") {
    const [attempt, number] = given as [Parameters<Witness["attempt"]>[0], number];
    attempts.set(`${life} ${number}`, record.attempt(attempt));
  } else if (name === "outcome") {
    const [number, outcome] = given as [number, Parameters<Witness["outcome"]>[1]];
    record.outcome(attempts.get(`${life} ${number}`) ?? 0, outcome);
  } else if (name !== "set_up") {
    (record[name] as (...given: readonly unknown[]) => void).apply(record, [...given]);
  }
}

async function read<T>(server: Server, who: string, thread_id: string, rest: string): Promise<T> {
  const answer = await server.call(who, "GET", `/api/chat/threads/${thread_id}${rest}`);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { data: T }).data;
}

async function check(lines: string): Promise<{ code: number; text: string }> {
  const folder = await mkdtemp(join(tmpdir(), "semel-web-history-"));
  const file = join(folder, "run.history");
  await writeFile(file, lines);
  const verdict = await new Promise<{ code: number; text: string }>((resolve) => {
    execFile(process.env["SEMEL_BIN"] ?? "semel", ["check", file], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), text: `${stdout}${stderr}` });
    });
  });
  await rm(folder, { recursive: true });
  return verdict;
}
