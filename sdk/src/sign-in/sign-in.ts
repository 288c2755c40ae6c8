// Signing in at the server itself, by its `/api/auth`: codes, providers, and a token source that renews what ran out.

import { isRefused, SemelError } from "../errors.js";
import { baseOf, fetchData } from "../network/http.js";
import type { TokenReason, TokenSource } from "../network/tokens.js";
import type { Challenge, SignInMethods } from "../protocol/wire.js";

/** Keeps a refresh token where only this program reads it. */
export interface TokenKeeper {
  get(): string | undefined | Promise<string | undefined>;
  /** Resolves when it is kept for good: the one before it counts no more. None: there is nothing to keep. */
  set(token: string | undefined): void | Promise<void>;
}

export interface SignInOptions {
  /** Address of the server, such as `https://chat.example.org`. */
  readonly url: string;
  /** This device's name for itself; the same at every start. */
  readonly device_id: string;
  /** Its name for the person who looks at their devices. */
  readonly device_name?: string;
  /** Where the refresh token is: for pages of the server itself in a cookie that no script reads. */
  readonly keep: "cookie" | TokenKeeper;
}

/** Who is signed in. */
export interface SignedIn {
  readonly user_id: string;
  readonly session_id: string;
  readonly is_new_person: boolean;
}

interface Tokens extends SignedIn {
  readonly access_token: string;
  readonly refresh_token?: string;
}

/** Name of the lock by which the tabs of a browser renew one after the other: they share the cookie. */
const LOCK = "semel:refresh";

/**
 * Signs a person in, and is the `auth` of their client from then on. Every call rejects with `RefusedError`, or `network`
 * when there is no answer; all of them may be repeated, `verify` and `resume` for 30 seconds with the same outcome.
 */
export class SignIn implements TokenSource {
  readonly #options: SignInOptions;
  readonly #base: string;
  #access: string | undefined;
  #renewal: Promise<SignedIn> | undefined;

  constructor(options: SignInOptions) {
    this.#options = options;
    this.#base = baseOf(options.url);
  }

  /** How people sign in here. Nothing at all: only with tokens of a host application. */
  async methods(): Promise<SignInMethods> {
    return this.#call("GET", "methods");
  }

  /** Has a code sent. `country`: two letters (ISO 3166), how a number without `+` is read. */
  async sendCode(kind: "phone" | "email", to: string, country?: string): Promise<Challenge> {
    const more = country === undefined ? {} : { country };
    return this.#call("POST", "challenges", { kind, to, ...more });
  }

  /** Signs in with the code that came. */
  async verify(challenge_id: string, code: string): Promise<SignedIn> {
    const { keep, device_id, device_name } = this.#options;
    const keep_in = keep === "cookie" ? "cookie" : "answer";
    const body = { challenge_id, code, device_id, device_name, keep_in };
    return this.#take(await this.#call<Tokens>("POST", "verify", body));
  }

  /**
   * The address of a provider, for the browser to go to; only with the cookie. It comes back to `return_to`, a path of the
   * server, with `#sign_in_error=CODE` when it failed; else call `resume`.
   */
  async startProvider(provider: string, return_to: string): Promise<string> {
    const { device_id, device_name } = this.#options;
    const path = `providers/${encodeURIComponent(provider)}/start`;
    const body = { return_to, device_id, device_name };
    return (await this.#call<{ authorization_url: string }>("POST", path, body)).authorization_url;
  }

  /**
   * Goes on with the sign-in that this device has. Rejects with `unauthenticated` when it has none, with `session_revoked` when
   * it was ended.
   */
  resume(): Promise<SignedIn> {
    this.#renewal ??= this.#alone(() => this.#renew()).finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async token(reason: TokenReason): Promise<string> {
    if (reason === "refused" || this.#access === undefined) await this.resume();
    if (this.#access === undefined) throw new SemelError("unauthenticated", "signed out meanwhile");
    return this.#access;
  }

  /**
   * Signs this device out. Without a connection a kept refresh token is forgotten all the same, and the server ends it when
   * it is idle for too long; the cookie only the server can take away.
   */
  async signOut(): Promise<void> {
    const { keep } = this.#options;
    this.#access = undefined;
    const refresh_token = keep === "cookie" ? undefined : await keep.get();
    if (keep !== "cookie") await keep.set(undefined);
    if (keep !== "cookie" && refresh_token === undefined) return;
    await this.#call("POST", "sign-out", { refresh_token });
  }

  /** `signOut`, whether the server can be told or not. */
  async end(): Promise<void> {
    await this.signOut().catch(() => undefined);
  }

  async #renew(): Promise<SignedIn> {
    const { keep, device_id } = this.#options;
    const refresh_token = keep === "cookie" ? undefined : await keep.get();
    if (keep !== "cookie" && refresh_token === undefined) {
      throw new SemelError("unauthenticated", "nobody is signed in on this device");
    }
    try {
      return await this.#take(await this.#call("POST", "refresh", { refresh_token, device_id }));
    } catch (error) {
      if (!isRefused(error) || error.problem.status !== 401) throw error;
      this.#access = undefined;
      if (keep !== "cookie") await keep.set(undefined);
      const code = error.code === "session_revoked" ? error.code : "unauthenticated";
      throw new SemelError(code, error.problem.detail, { cause: error });
    }
  }

  /** Kept before it is used: whoever uses it first and then dies has neither. */
  async #take({ access_token, refresh_token, ...tokens }: Tokens): Promise<SignedIn> {
    const { keep } = this.#options;
    if (keep !== "cookie" && refresh_token !== undefined) await keep.set(refresh_token);
    this.#access = access_token;
    const { user_id, session_id, is_new_person } = tokens;
    return { user_id, session_id, is_new_person };
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const { locks } = globalThis.navigator ?? {};
    if (this.#options.keep !== "cookie" || locks === undefined) return work();
    return locks.request(LOCK, work) as Promise<T>;
  }

  #call<T>(method: "GET" | "POST", name: string, body?: unknown): Promise<T> {
    const credentials = this.#options.keep === "cookie" ? "same-origin" : "omit";
    const call = { method, path: `/api/auth/${name}`, body };
    return fetchData<T>(this.#base, call, { headers: {}, credentials });
  }
}

/** Signing in at a server with phones, addresses or providers. */
export function createSignIn(options: SignInOptions): SignIn {
  return new SignIn(options);
}
