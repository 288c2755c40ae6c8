// How a list behaves while somebody scrolls: what each frame shows, compared with the one before.

import type { Page } from "@playwright/test";

export interface Scrolled {
  /** Frames in which what is on screen moved against the hand, by more than 2 pixels. */
  readonly wrong: number;
  /** Frames in which it moved by more than 450 pixels. */
  readonly jumps: number;
  /** Frames without any message. */
  readonly blank: number;
  /** Milliseconds between frames. */
  readonly frames: readonly number[];
  /** The seqs that were on screen, without repeats. */
  readonly seen: readonly number[];
}

/** Scrolls up with the wheel, `steps` times `pixels`, and looks at every frame. */
export async function scrollUp(page: Page, steps: number, pixels: number): Promise<Scrolled> {
  const log = page.locator("[data-region=timeline]");
  await log.hover();
  await log.evaluate((node: HTMLElement) => {
    const seen = new Set<number>();
    const result = { wrong: 0, jumps: 0, blank: 0, frames: [] as number[], isOver: false };
    let before = new Map<string, number>();
    let last = performance.now();
    const look = (at: number) => {
      result.frames.push(at - last);
      last = at;
      const view = node.getBoundingClientRect();
      const now = new Map<string, number>();
      for (const row of node.querySelectorAll<HTMLElement>("[data-row]")) {
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
        if (top - was < -2) result.wrong += 1;
        if (Math.abs(top - was) > 450) result.jumps += 1;
        break;
      }
      before = now;
      if (!result.isOver) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    Object.assign(window, { scrolled: result, scrolledSeqs: seen });
  });
  for (let step = 0; step < steps; step += 1) await page.mouse.wheel(0, -pixels);
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
