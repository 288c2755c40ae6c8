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

/** An event as a page tells it. */
interface Told {
  readonly life: string;
  readonly number: number;
  readonly at: number;
  readonly name: Name;
  readonly given: readonly unknown[];
}

const clock = () => performance.timeOrigin + performance.now();

export class History {
  readonly #events: Event[] = [];
  readonly #heard = new Set<string>();

  /** From now on, every page that is loaded in this tab is a life of `user`'s device. */
  async watch(page: Page, user: string): Promise<void> {
    let life = "";
    const close = (at: number) => {
      if (life !== "") this.#events.push({ at, life, user, name: "end", given: [] });
      life = "";
    };
    await page.exposeFunction("semelTell", (told: Told) => {
      const { at, name, given } = told;
      const id = `${told.life} ${told.number}`;
      if (this.#heard.has(id)) return;
      this.#heard.add(id);
      if (name === "begin") {
        close(at);
        life = told.life;
      }
      this.#events.push({ at, life: told.life, user, name, given });
    });
    page.on("close", () => close(clock()));
    await page.addInitScript(() => {
      const page = window as unknown as Record<string, unknown>;
      const tell = page["semelTell"] as (told: Told) => Promise<void>;
      const now = () => performance.timeOrigin + performance.now();
      // What is sent just before a reload reaches the server, but not always the test: so the next life tells it again.
      const key = "semelUntold";
      const untold = () => JSON.parse(localStorage.getItem(key) ?? "[]") as Told[];
      const keep = (list: readonly Told[]) => localStorage.setItem(key, JSON.stringify(list));
      const say = async (told: Told) => {
        await tell(told);
        if (told.name === "attempt")
          keep(untold().filter((one) => one.life !== told.life || one.number !== told.number));
      };
      const life = `${now()} ${Math.random()}`;
      let number = 0;
      const note = (name: Name, given: readonly unknown[]) => {
        number += 1;
        const told = { life, number, at: now(), name, given };
        if (name === "attempt") keep([...untold(), told]);
        void say(told);
      };
      if (location.protocol.startsWith("http")) for (const told of untold()) void say(told);
      note("begin", []);
      let attempts = 0;
      page["semelWitness"] = {
        attempt: (attempt: unknown) => {
          attempts += 1;
          note("attempt", [attempt, attempts]);
          return attempts;
        },
        ...Object.fromEntries(
          (["outcome", "arrival", "apply", "reset", "left"] as const).map((name) => [
            name,
            (...given: unknown[]) => note(name, given),
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
