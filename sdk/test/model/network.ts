// A network that loses, delays, repeats and reorders, as its dice say.

import { RefusedError, SemelError } from "../../src/errors.js";
import type { Call, Link, LinkListener, Network } from "../../src/network/port.js";
import type { Ack } from "../../src/protocol/wire.js";
import type { Clock } from "./clock.js";
import { type ModelServer, Refusal } from "./server.js";

/** How likely each trouble is, from 0 to 1. */
export interface Trouble {
  readonly lostPush: number;
  readonly doublePush: number;
  readonly swappedPush: number;
  readonly lostRequest: number;
  readonly lostAnswer: number;
  readonly refusedForNow: number;
  readonly lostCall: number;
}

export const NO_TROUBLE: Trouble = {
  lostPush: 0,
  doublePush: 0,
  swappedPush: 0,
  lostRequest: 0,
  lostAnswer: 0,
  refusedForNow: 0,
  lostCall: 0,
};

/** One person's way to the server, from one tab. */
export class ModelNetwork implements Network {
  readonly #server: ModelServer;
  readonly #clock: Clock;
  readonly #user_id: string;
  readonly #random: () => number;
  readonly #alive: () => boolean;
  readonly links = new Set<ModelLink>();
  trouble: Trouble = NO_TROUBLE;
  isOnline = true;

  constructor(
    server: ModelServer,
    clock: Clock,
    user_id: string,
    random: () => number,
    alive: () => boolean,
  ) {
    this.#server = server;
    this.#clock = clock;
    this.#user_id = user_id;
    this.#random = random;
    this.#alive = alive;
  }

  async connect(_: unknown, listener: LinkListener): Promise<Link> {
    await this.delay();
    if (!this.isOnline) throw new SemelError("network", "offline");
    return new ModelLink(this, this.#server, this.#clock, this.#user_id, listener);
  }

  async call<T>(_token: string, { path, query = {} }: Call): Promise<T> {
    await this.delay();
    if (!this.isOnline || this.happens("lostCall")) throw new SemelError("network", "lost");
    let answer: unknown;
    try {
      answer = structuredClone(this.#server.read(this.#user_id, path, query));
    } catch (error) {
      if (error instanceof Refusal) throw new RefusedError(error.problem);
      throw error;
    }
    await this.delay();
    if (!this.isOnline || this.happens("lostCall")) throw new SemelError("network", "lost");
    return answer as T;
  }

  /** The connection breaks. */
  cut(): void {
    for (const link of [...this.links]) link.cut();
  }

  happens(trouble: keyof Trouble): boolean {
    return this.#random() < this.trouble[trouble];
  }

  /** Some milliseconds; of a tab that is gone, nothing ever comes back. */
  delay(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(1 + this.#random() * 40, () => {
        if (this.#alive()) resolve();
      });
    });
  }

  get isAlive(): boolean {
    return this.#alive();
  }
}

class ModelLink implements Link {
  readonly user_id: string;
  readonly #network: ModelNetwork;
  readonly #server: ModelServer;
  readonly #clock: Clock;
  readonly #listener: LinkListener;
  readonly #waiting = new Set<(error: SemelError) => void>();
  #isOpen = true;
  #held: { name: string; data: unknown } | undefined;

  constructor(
    network: ModelNetwork,
    server: ModelServer,
    clock: Clock,
    user_id: string,
    listener: LinkListener,
  ) {
    this.#network = network;
    this.#server = server;
    this.#clock = clock;
    this.user_id = user_id;
    this.#listener = listener;
    network.links.add(this);
    server.devices.add(this);
  }

  ask<T>(name: string, data: unknown): Promise<Ack<T>> {
    return new Promise((resolve, reject) => {
      if (!this.#isOpen) return reject(new SemelError("network", "closed"));
      this.#waiting.add(reject);
      // In order, as on one TCP connection.
      this.#clock.after(5, () => {
        if (!this.#isOpen) return;
        if (this.#network.happens("lostRequest")) return this.cut();
        const ack = this.#answer<T>(name, structuredClone(data));
        if (this.#network.happens("lostAnswer")) return this.cut();
        this.#clock.after(5, () => {
          if (!this.#isOpen || !this.#network.isAlive) return;
          this.#waiting.delete(reject);
          resolve(structuredClone(ack));
        });
      });
    });
  }

  close(): void {
    this.cut();
  }

  cut(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#network.links.delete(this);
    this.#server.devices.delete(this);
    if (!this.#network.isAlive) return;
    for (const reject of this.#waiting) reject(new SemelError("network", "cut"));
    this.#listener.closed();
  }

  push(name: string, data: unknown): void {
    if (name === "entry" && this.#network.happens("lostPush")) return;
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined && name === "entry" && this.#network.happens("swappedPush")) {
      this.#held = { name, data };
      return;
    }
    this.#deliver(name, data);
    if (held !== undefined) this.#deliver(held.name, held.data);
    if (this.#network.happens("doublePush")) this.#deliver(name, data);
  }

  #deliver(name: string, data: unknown): void {
    this.#clock.after(5, () => {
      if (this.#isOpen && this.#network.isAlive) this.#listener.event(name, data);
    });
  }

  #answer<T>(name: string, data: unknown): Ack<T> {
    try {
      if (name === "message:send" && this.#network.happens("refusedForNow")) {
        throw new Refusal("overloaded", 50);
      }
      return { status: "success", data: this.#server.event(this.user_id, name, data) as T };
    } catch (error) {
      if (error instanceof Refusal) return { status: "error", error: error.problem };
      throw error;
    }
  }
}
