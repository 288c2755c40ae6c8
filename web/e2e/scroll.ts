// How a list behaves while somebody scrolls: what each frame shows, compared with the one before.

import type { Page } from "@playwright/test";

export interface Scrolled {
  /** Frames in which what is on screen moved against the hand, by more than 2 pixels. */
  readonly wrong: number;
  /** Frames in which it moved by more than 450 pixels. */
  readonly jumps: number;
  /** Frames without any message. */
  readonly blank: number;
  /** Rows that were in the page at once, at most. */
  readonly mounted: number;
  /** Milliseconds between frames. */
  readonly frames: readonly number[];
  /** The seqs that were on screen, without repeats. */
  readonly seen: readonly number[];
}

/** Scrolls up with the wheel, `steps` times `pixels`, and looks at every frame. */
export async function scrollUp(page: Page, steps: number, pixels: number): Promise<Scrolled> {
  const wheel = async () => {
    for (let step = 0; step < steps; step += 1) {
      await page.mouse.wheel(0, -pixels);
      await drawn(page);
    }
  };
  return watch(page, -1, wheel);
}

/** Scrolls with the wheel by `pixels` until the message with this seq is in the page, and looks at every frame. */
export async function scrollTo(page: Page, seq: number, pixels: number): Promise<Scrolled> {
  const row = page.locator(`[data-row][data-seq='${seq}']`);
  return watch(page, Math.sign(pixels), async () => {
    while ((await row.count()) === 0)
      for (let step = 0; step < 10; step += 1) {
        await page.mouse.wheel(0, pixels);
        await drawn(page);
      }
  });
}

/** A frame of its own for what was done: a busy machine would put several turns of the wheel into one. */
function drawn(page: Page): Promise<unknown> {
  return page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
}

/** `hand`: -1 when what is done goes up, 1 when it goes down. */
async function watch(page: Page, hand: number, work: () => Promise<void>): Promise<Scrolled> {
  const log = page.locator("[data-region=timeline]");
  await log.hover();
  await log.evaluate((node: HTMLElement, hand: number) => {
    const seen = new Set<number>();
    const result = {
      wrong: 0,
      jumps: 0,
      blank: 0,
      mounted: 0,
      frames: [] as number[],
      isOver: false,
    };
    let before = new Map<string, number>();
    let last = performance.now();
    const look = (at: number) => {
      result.frames.push(at - last);
      last = at;
      const view = node.getBoundingClientRect();
      const now = new Map<string, number>();
      const rows = node.querySelectorAll<HTMLElement>("[data-row]");
      result.mounted = Math.max(result.mounted, rows.length);
      for (const row of rows) {
        const { top, bottom } = row.getBoundingClientRect();
        if (bottom <= view.top || top >= view.bottom) continue;
        now.set(row.dataset["row"] ?? "", top);
        seen.add(Number(row.dataset["seq"]));
      }
      if (now.size === 0) result.blank += 1;
      for (const [key, top] of now) {
        const was = before.get(key);
        if (was === undefined) continue;
        // The hand goes up: what is there goes down.
        if ((top - was) * hand > 2) result.wrong += 1;
        if (Math.abs(top - was) > 450) result.jumps += 1;
        break;
      }
      before = now;
      if (!result.isOver) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    Object.assign(window, { scrolled: result, scrolledSeqs: seen });
  }, hand);
  await work();
  return page.evaluate(async () => {
    type Kept = {
      scrolled: Omit<Scrolled, "seen"> & { isOver: boolean };
      scrolledSeqs: Set<number>;
    };
    const { scrolled, scrolledSeqs } = window as unknown as Kept;
    await new Promise((resolve) => setTimeout(resolve, 300));
    scrolled.isOver = true;
    return { ...scrolled, seen: [...scrolledSeqs].sort((a, b) => a - b) };
  });
}
