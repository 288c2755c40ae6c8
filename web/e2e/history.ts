// What the browsers of a test do and see, in the form of docs/HISTORY.md, for `semel check` to judge.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, type Page } from "@playwright/test";
import type { Entry, Message, Problem, Thread, Witness } from "@semel/sdk";
import { Recorder, type SessionRecord } from "@semel/sdk/history";
import type { Server } from "./support";

/** Entries that are read at once. */
const PAGE = 500;

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

type Ack<T> =
  | { readonly status: "success"; readonly data: T }
  | { readonly status: "error"; readonly error: Problem };

/** What the server says to a batch. */
export interface Answer {
  readonly results: readonly Ack<{ readonly message: Message; readonly duplicate: boolean }>[];
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

  /** What is sent without a browser is told to this one. */
  witness(user: string): Witness {
    const life = `${user} ${clock()}`;
    const note = (name: Name, given: readonly unknown[]) =>
      this.#events.push({ at: clock(), life, user, name, given });
    note("begin", [`other device of ${user}`]);
    let attempts = 0;
    return {
      attempt: (attempt) => {
        attempts += 1;
        note("attempt", [attempt, attempts]);
        return attempts;
      },
      outcome: (...given) => note("outcome", given),
      arrival: () => undefined,
      apply: () => undefined,
      reset: () => undefined,
      left: () => undefined,
    };
  }

  /** A conversation, made past any browser; a group when it has a title. */
  async thread(
    server: Server,
    from: string,
    others: readonly string[],
    title?: string,
  ): Promise<string> {
    const begun = clock();
    const thread_id = await server.threadOf(from, others, title);
    const path = `/api/chat/threads/${thread_id}`;
    const { thread } = await read<{ thread: Thread }>(server, from, path);
    const given = [thread, clock()];
    this.#events.push({ at: begun, life: "", user: from, name: "set_up", given });
    return thread_id;
  }

  /**
   * Fails unless the checker accepts what was seen, and the run did what it `expects`. Who of the `readers` is in a conversation
   * reads what it is at the end.
   */
  async judge(server: Server, readers: readonly string[], expects: string) {
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
    for (const thread_id of this.#threads()) {
      for (const reader of readers) await readToTheEnd(recorder, server, reader, thread_id);
    }
    for (const record of lives.values()) record.cursors();
    const options = { expect: expects };
    const lines = recorder.lines({ seed: 0, commit: "working tree", command: "make web", options });
    const { code, text } = await check(lines);
    expect(code, text).toBe(0);
  }

  /** All that were made, or of which something was seen. */
  #threads(): Set<string> {
    const found = new Set<string>();
    for (const { name, given } of this.#events) {
      if (name === "set_up") found.add((given[0] as Thread).id);
      else if (name === "apply") found.add((given[0] as Entry).thread_id);
      else if (name === "reset") found.add(given[0] as string);
    }
    return found;
  }
}

/** Tells of a batch that is about to be sent, and then of the answer to it. */
export function attempted(
  witness: Witness | undefined,
  thread_id: string,
  messages: readonly { readonly client_id: string; readonly content: string }[],
): (ack: Ack<Answer>) => Ack<Answer> {
  const destination = { type: "thread", thread_id } as const;
  const attempts = messages.map((one) => witness?.attempt({ ...one, destination, in_order: true }));
  return (ack) => {
    for (const [place, attempt] of attempts.entries()) {
      if (witness === undefined || attempt === undefined) continue;
      const one = ack.status === "success" ? ack.data.results[place] : ack;
      if (one?.status === "error")
        witness.outcome(attempt, { type: "refused", problem: one.error });
      else if (one !== undefined) witness.outcome(attempt, { type: "stored", ...one.data });
    }
    return ack;
  };
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
    const [device = `browser of ${user}`] = given as [string?];
    lives.set(life, recorder.session(user, device));
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

async function readToTheEnd(
  recorder: Recorder,
  server: Server,
  reader: string,
  thread_id: string,
): Promise<void> {
  const path = `/api/chat/threads/${thread_id}`;
  if ((await server.call(reader, "GET", path)).status === 404) return;
  const { thread } = await read<{ thread: Thread }>(server, reader, path);
  const { epoch, last_rev: rev, last_seq: seq } = thread;
  const entries: Entry[] = [];
  while ((entries.at(-1)?.rev ?? 0) < rev) {
    const after = entries.at(-1)?.rev ?? 0;
    // However long the log is: of what is asked for up to there, nothing is too old.
    const rest = `/entries?after_rev=${after}&until_rev=${after + PAGE}&limit=${PAGE}`;
    const page = await read<{ entries: Entry[] }>(server, reader, path + rest);
    expect(page.entries.length).toBeGreaterThan(0);
    entries.push(...page.entries);
  }
  recorder.final(entries, { thread_id, epoch, rev, seq });
}

async function read<T>(server: Server, who: string, path: string): Promise<T> {
  const answer = await server.call(who, "GET", path);
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
