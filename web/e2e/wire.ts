// What the server says to a page over its WebSocket, held back, lost or said twice, as a test wants it.

import type { Page } from "@playwright/test";

type Fate = "pass" | "hold" | "lose" | "twice";

/** Whether this is the answer to something that the page sent. */
export const isAnswer = (said: string) => said.startsWith("43");
/** Whether this is an entry of a log. */
export const isEntry = (said: string) => said.startsWith('42["entry"');

export class Wire {
  #fateOf: (said: string) => Fate = () => "pass";
  #held: (() => void)[] = [];

  /** Stands between a page that is not loaded yet and its server. */
  async watch(page: Page): Promise<void> {
    await page.routeWebSocket("**/socket.io/**", (socket) => {
      socket.connectToServer().onMessage((data) => {
        const fate = this.#fateOf(String(data));
        const pass = () => socket.send(data);
        if (fate === "hold") this.#held.push(pass);
        else if (fate !== "lose") pass();
        if (fate === "twice") pass();
      });
    });
  }

  /** What becomes of everything that the server says from now on. */
  set(fateOf: (said: string) => Fate): void {
    this.#fateOf = fateOf;
  }

  hold(isMeant: (said: string) => boolean): void {
    this.set((said) => (isMeant(said) ? "hold" : "pass"));
  }

  /** What was held arrives in the order in which it was said, and everything passes. */
  letGo(): void {
    this.set(() => "pass");
    for (const pass of this.#held.splice(0)) pass();
  }
}
