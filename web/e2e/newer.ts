// A way to a server that one day has a newer version of the page: another service worker, and a page with another part.

import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface NewerLater {
  readonly url: string;
  /** From now on the version is another one. */
  become(): void;
  close(): Promise<void>;
}

export async function newerLater(port: number): Promise<NewerLater> {
  let isNewer = false;
  const sockets = new Set<Socket>();
  const ask = ({ method, url, headers }: IncomingMessage) =>
    request({ host: "127.0.0.1", port, method, path: url, headers });
  const server = createServer((asked, answer) => {
    // The whole of it, as text: it is about to be changed.
    for (const name of ["accept-encoding", "if-none-match", "if-modified-since"])
      delete asked.headers[name];
    const up = ask(asked);
    up.on("error", () => answer.destroy());
    up.on("response", (came) => {
      const isPage = asked.headers.accept?.includes("text/html") ?? false;
      const isChanged = isNewer && (isPage || asked.url === "/sw.js");
      if (!isChanged) {
        answer.writeHead(came.statusCode ?? 502, came.headers);
        came.pipe(answer);
        return;
      }
      let text = "";
      came.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      came.on("end", () => {
        const { "content-length": _, etag: __, ...rest } = came.headers;
        answer.writeHead(came.statusCode ?? 502, rest);
        answer.end(isPage ? newerPage(text) : newerWorker(text));
      });
    });
    asked.pipe(up);
  });
  server.on("connection", (socket) => sockets.add(socket));
  server.on("upgrade", (asked: IncomingMessage, socket: Socket) => {
    const up = ask(asked);
    up.on("error", () => socket.destroy());
    up.on("upgrade", (came, other, head) => {
      const lines = Object.entries(came.headers).map(([name, value]) => `${name}: ${value}`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
      // The first words of the server may have come with its answer.
      socket.write(head);
      sockets.add(other);
      socket.on("error", () => other.destroy()).pipe(other);
      other.on("error", () => socket.destroy()).pipe(socket);
    });
    up.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    become: () => {
      isNewer = true;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The first script has another address, as every change of the client gives it. */
function newerPage(text: string): string {
  return text.replace('"/boot.js"', '"/boot.js?newer"');
}

/** It lacks the style of the page that is open: that page is of another version. */
function newerWorker(text: string): string {
  return text
    .replace(/[0-9a-f]{16}/u, "0123456789abcdef")
    .replace(/"\/assets\/index-[^"]+\.css",?/u, "");
}
