// HTTP calls with a token that is renewed when it is refused, and repeated until there is an answer.

import { SEND_BACKOFF, waitFor } from "../backoff.js";
import { type Environment, pause } from "../environment.js";
import { hasCode, isRefused, isSemelError } from "../errors.js";
import type { Call, Network } from "./port.js";
import type { Tokens } from "./tokens.js";

/** How often a call is tried, the first time included. */
const TRIES_MAX = 5;

/** Calls for one person. */
export class Api {
  readonly #network: Network;
  readonly #tokens: Tokens;
  readonly #environment: Environment;
  readonly #newKey: () => string;

  constructor(network: Network, tokens: Tokens, environment: Environment, newKey: () => string) {
    this.#network = network;
    this.#tokens = tokens;
    this.#environment = environment;
    this.#newKey = newKey;
  }

  /** One try, with a token that the server takes. */
  async once<T>(call: Call): Promise<T> {
    const token = await this.#tokens.get();
    try {
      return await this.#network.call<T>(token, call);
    } catch (error) {
      if (!hasCode(error, "unauthenticated")) throw error;
      return this.#network.call<T>(await this.#tokens.replace(token), call);
    }
  }

  /**
   * Until there is an answer, or it was tried often enough. A change has the same idempotency key each time, so it happens
   * once.
   */
  async call<T>(call: Call): Promise<T> {
    const keyed = call.method === "GET" ? call : { idempotency_key: this.#newKey(), ...call };
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.once<T>(keyed);
      } catch (error) {
        if (tries === TRIES_MAX || !isSemelError(error) || !error.retryable) throw error;
        const asked = isRefused(error) ? error.problem.retry_after_ms : undefined;
        const random = this.#environment.random();
        await pause(this.#environment, waitFor(asked, SEND_BACKOFF, tries - 1, random));
      }
    }
  }
}

/** Part of a path. */
export function segment(text: string): string {
  return encodeURIComponent(text);
}
