// The real network: the official Socket.IO client, and `fetch`.

import { io, type Socket } from "socket.io-client";

import { SemelError, toSemelError } from "../errors.js";
import { type ServerCode, serverCodes } from "../protocol/codes.js";
import type { Ack } from "../protocol/wire.js";
import { baseOf, fetchData } from "./http.js";
import {
  ANSWER_TIMEOUT,
  type Credentials,
  type Link,
  type LinkListener,
  type Network,
} from "./port.js";

/** A server at an address, such as `https://chat.example.org`. */
export function sockets(url: string): Network {
  const base = baseOf(url);
  return {
    connect: (credentials, listener) => connect(base, credentials, listener),
    call: (token, call) =>
      fetchData(base, call, { headers: { authorization: `Bearer ${token}` }, credentials: "omit" }),
  };
}

function connect(base: string, credentials: Credentials, listener: LinkListener): Promise<Link> {
  const { token, device_id } = credentials;
  const socket = io(base, {
    auth: { token, device_id },
    // WebSocket first; where something in between does not let it through, long polling.
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    // Coming back is ours: it needs a fresh token and a `sync`.
    reconnection: false,
    forceNew: true,
    timeout: ANSWER_TIMEOUT,
  });
  socket.onAny((name: string, data: unknown) => listener.event(name, data));
  return new Promise((resolve, reject) => {
    const fail = (error: SemelError) => {
      clearTimeout(timer);
      socket.off();
      socket.close();
      reject(error);
    };
    // The client's own timeout ends when the transport is there; the server may still not let us in.
    const timer = setTimeout(() => fail(lost()), ANSWER_TIMEOUT);
    socket.once("connect_error", (error) => fail(refusedConnection(error)));
    socket.once("disconnect", () => fail(lost()));
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("connect_error");
      socket.off("disconnect");
      socket.once("disconnect", () => listener.closed());
      resolve(linkOver(socket));
    });
  });
}

function linkOver(socket: Socket): Link {
  return {
    async ask<T>(name: string, data: unknown): Promise<Ack<T>> {
      if (!socket.connected) throw lost();
      return new Promise((resolve, reject) => {
        const isLost = () => reject(lost());
        socket.once("disconnect", isLost);
        socket.timeout(ANSWER_TIMEOUT).emit(name, data, (error: unknown, ack: Ack<T>) => {
          socket.off("disconnect", isLost);
          if (error) reject(lost());
          else resolve(ack);
        });
      });
    },
    close: () => {
      socket.close();
    },
  };
}

/** The server says why as a code; anything else is the network. */
function refusedConnection(error: Error): SemelError {
  const code = error.message;
  if (code in serverCodes) return new SemelError(code as ServerCode, `connect: ${code}`);
  return toSemelError(error, "network", "connect");
}

function lost(): SemelError {
  return new SemelError("network", "the connection was lost before the answer");
}
