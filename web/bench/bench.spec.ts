// The budgets of the client, measured on this machine: `make bench-web`. Nothing here fails because of time; `table.ts`
// prints what came out.

import type { Browser, Page } from "@playwright/test";
import { scrollUp } from "../e2e/scroll";
import { expect, Person, type Server, test } from "../e2e/support";
import { Table } from "./table";

/** Messages of the long thread. */
const STORED = Number(process.env["SEMEL_BENCH_MESSAGES"] ?? 100_000);
const TIMES = 20;

const table = new Table();
test.describe.configure({ mode: "serial" });
test.setTimeout(900_000);
test.afterAll(() => table.finish());

test("bundle", () => table.sizes());

test("times", async ({ browser, server }) => {
  const long = await server.threadOf("mira", ["ada", "kim"], "Long");
  await server.fill("mira", long, STORED);
  const short = await server.threadOf("mira", ["ada"]);
  await server.fill("mira", short, 40);
  await firstVisits(browser, server);
  const page = await signedIn(browser, server);
  const ada = new Person(page, "ada");
  await warmStarts(ada, server, short);
  await opening(ada, server, long);
  await writing(ada, server, short);
  await scrolling(ada, long);
  await heap(page);
});

async function signedIn(browser: Browser, server: Server): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(`${server.url}/#token=${server.token("ada")}`);
  await expect(page.locator("[data-region=list] li").first()).toBeVisible();
  await page.evaluate(() => navigator.serviceWorker?.ready.then(() => undefined));
  // What is new was read: what is opened from now on opens at its end.
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("Mark all");
  await page.keyboard.press("Enter");
  await expect(page.locator("[data-region=list] li").filter({ hasText: "unread" })).toHaveCount(0);
  return page;
}

/** Milliseconds from the beginning of the page until something is painted. */
function paintedAt(page: Page, what: string): Promise<number> {
  return page.evaluate(
    (selector) =>
      new Promise<number>((resolve) => {
        const look = () => {
          if (document.querySelector(selector) === null) return requestAnimationFrame(look);
          return requestAnimationFrame(() => resolve(performance.now()));
        };
        look();
      }),
    what,
  );
}

async function firstVisits(browser: Browser, server: Server): Promise<void> {
  const [plain, slow]: [number[], number[]] = [[], []];
  for (let time = 0; time < TIMES / 2; time += 1) {
    for (const [times, isSlow] of [
      [plain, false],
      [slow, true],
    ] as const) {
      const context = await browser.newContext();
      const page = await context.newPage();
      if (isSlow) {
        const cdp = await context.newCDPSession(page);
        // As the tools of Chrome have it: 9 Mbit/s down, 1.5 up, 60 ms.
        const [down, up] = [(9_000_000 / 8) * 0.9, (1_500_000 / 8) * 0.9];
        const network = {
          offline: false,
          latency: 165,
          downloadThroughput: down,
          uploadThroughput: up,
        };
        await cdp.send("Network.emulateNetworkConditions", network);
      }
      await page.goto(`${server.url}/#token=${server.token("ada")}`);
      times.push(await paintedAt(page, "[data-region=list] li"));
      await context.close();
    }
  }
  table.times("first visit, list painted", plain, 2_000);
  table.times("first visit over Fast 4G, list painted", slow, 2_000);
}

async function warmStarts(ada: Person, server: Server, thread: string): Promise<void> {
  const times: number[] = [];
  await ada.page.goto(`${server.url}/c/${thread}`);
  await expect(ada.messages.last()).toBeVisible();
  for (let time = 0; time < TIMES; time += 1) {
    await ada.page.reload();
    times.push(await paintedAt(ada.page, "[data-row]"));
  }
  table.times("warm start, last chat painted", times, 400);
}

/** Milliseconds from a click until a row of another conversation is painted. */
async function opening(ada: Person, server: Server, long: string): Promise<void> {
  const { page } = ada;
  await page.goto(`${server.url}/c/${long}`);
  await expect(page.locator(`[data-row][data-seq="${STORED}"]`)).toBeVisible();
  const times: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    await page.getByRole("link", { name: /^Mira Okafor/ }).click();
    await expect(page.locator("[data-row][data-seq='40']")).toBeVisible();
    await expect(page.locator(`[data-row][data-seq="${STORED}"]`)).toHaveCount(0);
    const link = page.getByRole("link", { name: /^Long/ });
    times.push(
      await link.evaluate(
        (node: HTMLElement, seq) =>
          new Promise<number>((resolve) => {
            const begun = performance.now();
            node.click();
            const look = () => {
              if (document.querySelector(`[data-row][data-seq="${seq}"]`) === null)
                return requestAnimationFrame(look);
              return requestAnimationFrame(() => resolve(performance.now() - begun));
            };
            look();
          }),
        STORED,
      ),
    );
  }
  table.times(`opening a thread of ${STORED.toLocaleString("en")} messages`, times, 100);
}

async function writing(ada: Person, server: Server, thread: string): Promise<void> {
  const { page } = ada;
  const cdp = await page.context().newCDPSession(page);
  await ada.enter(thread);
  for (const rate of [1, 4]) {
    await cdp.send("Emulation.setCPUThrottlingRate", { rate });
    const times: number[] = [];
    for (let time = 0; time < TIMES; time += 1) {
      await ada.words.fill(`${rate} ${time}`);
      await page.evaluate(watchForRow);
      await page.keyboard.press("Enter");
      times.push(await page.evaluate(() => (window as unknown as { row: Promise<number> }).row));
    }
    table.times(`Enter to bubble, processor ${rate}× slower`, times, rate === 1 ? 32 : 80);
  }
  await page.evaluate(watchKeys);
  const talking = server.chatter("mira", thread, 20);
  await ada.words.pressSequentially("the quick brown fox jumps over the lazy dog ".repeat(2), {
    delay: 60,
  });
  await talking.stop();
  const keys = await page.evaluate(() => (window as unknown as { keys: number[] }).keys);
  table.times("key to letter at 20 messages a second, 4× slower", keys, 50);
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  await cdp.detach();
}

/** In the page: from the next Enter until there is a row more, painted. */
function watchForRow(): void {
  const page = window as unknown as { row: Promise<number> };
  const rows = () =>
    new Set(
      [...document.querySelectorAll("[data-row]")].map((row) => row.getAttribute("data-row")),
    );
  const before = rows();
  page.row = new Promise((resolve) => {
    const begin = (event: KeyboardEvent) => {
      if (event.key !== "Enter") return;
      removeEventListener("keydown", begin, true);
      const look = () => {
        if ([...rows()].every((key) => before.has(key))) return requestAnimationFrame(look);
        return requestAnimationFrame(() => resolve(performance.now() - event.timeStamp));
      };
      look();
    };
    addEventListener("keydown", begin, true);
  });
}

/** In the page: how long each key takes until what it did is painted, in steps of 8 ms. */
function watchKeys(): void {
  const page = window as unknown as { keys: number[] };
  page.keys = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries())
      if (entry.name === "keydown") page.keys.push(entry.duration);
  }).observe({ type: "event", durationThreshold: 16 } as PerformanceObserverInit);
}

async function scrolling(ada: Person, long: string): Promise<void> {
  await ada.enter(long);
  await expect(ada.page.locator(`[data-row][data-seq="${STORED}"]`)).toBeVisible();
  const found = await scrollUp(ada.page, 200, 120);
  table.times("frame while scrolling up", found.frames, 20);
  table.count(
    "frames that went the wrong way, jumped or were blank",
    found.wrong + found.jumps + found.blank,
    0,
  );
  table.count("messages scrolled through", found.seen.length);
}

async function heap(page: Page): Promise<void> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  table.megabytes("heap after all that", usedSize / 1e6, 60);
}
