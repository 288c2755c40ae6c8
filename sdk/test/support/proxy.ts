// A TCP proxy that treats connections badly.

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Between clients and a server. */
export class BadProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #stalled = new WeakSet<Socket>();
  #isSwallowing = false;
  url = "";

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Forwards to the port that `target` names, each time anew. */
  static async start(target: () => number): Promise<BadProxy> {
    const server = createServer((client) => proxy.#forward(client, target()));
    const proxy = new BadProxy(server);
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return proxy;
  }

  /** Breaks every connection, without a goodbye. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Over the connections that there are nothing comes any more, either way, and nobody is told: a plug was pulled. */
  stall(): void {
    for (const socket of this.#sockets) this.#stalled.add(socket);
  }

  /**
   * What clients say still arrives; what the server answers is lost for so many milliseconds, or until something was done,
   * and then the connections break.
   */
  async loseAnswers(until: number | (() => Promise<unknown>)): Promise<void> {
    this.#isSwallowing = true;
    if (typeof until === "number") {
      await new Promise((resolve) => {
        setTimeout(resolve, until);
      });
    } else await until();
    this.cut();
    this.#isSwallowing = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #forward(client: Socket, port: number): void {
    const server = connect(port, "127.0.0.1");
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on("data", (data) => {
        const isLost = this.#stalled.has(from) || (this.#isSwallowing && from === server);
        if (!isLost) to.write(data);
      });
      from.on("error", () => from.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
