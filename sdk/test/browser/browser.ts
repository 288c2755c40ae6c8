// Chromium with pages of one origin, and the bundle that they run.

import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";

import { build } from "esbuild";
import { type Browser, type BrowserContext, chromium, type Page as Tab } from "playwright-core";

import type { Page } from "./page.js";

/** A browser, and the origin of its pages. */
export class Browsers {
  readonly browser: Browser;
  readonly #pages: HttpServer;
  readonly origin: string;

  private constructor(browser: Browser, pages: HttpServer) {
    this.browser = browser;
    this.#pages = pages;
    this.origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  }

  static async start(): Promise<Browsers> {
    const { outputFiles } = await build({
      entryPoints: [new URL("./page.ts", import.meta.url).pathname],
      bundle: true,
      format: "esm",
      platform: "browser",
      target: "es2022",
      define: { "process.env.NODE_ENV": '"production"' },
      write: false,
    });
    const script = outputFiles[0]?.text ?? "";
    const pages = createServer((request, response) => {
      const isScript = request.url === "/page.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(
        isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>',
      );
    });
    await new Promise<void>((resolve) => {
      pages.listen(0, "127.0.0.1", resolve);
    });
    const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
    const browser = await chromium.launch({
      executablePath,
      args: ["--no-sandbox", "--disable-gpu"],
    });
    return new Browsers(browser, pages);
  }

  /** A tab with the page; tabs of one context share storage. */
  async tab(context: BrowserContext): Promise<Tab> {
    const tab = await context.newPage();
    await this.load(tab);
    return tab;
  }

  async load(tab: Tab): Promise<void> {
    await tab.goto(this.origin);
    await tab.waitForFunction(() => "page" in window);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await new Promise((resolve) => {
      this.#pages.close(resolve);
    });
  }
}

/** Calls what the page gives. */
export function call<N extends keyof Page>(
  tab: Tab,
  name: N,
  ...values: Parameters<Page[N]>
): Promise<Awaited<ReturnType<Page[N]>>> {
  const given = { name, values };
  return tab.evaluate(({ name, values }) => {
    const { page } = window as unknown as { page: Record<string, (...all: unknown[]) => unknown> };
    return page[name]?.(...values);
  }, given) as Promise<Awaited<ReturnType<Page[N]>>>;
}
