// Access tokens, from whoever signs people in.

import { SemelError } from "../errors.js";
import { canonicalUserId } from "../ids.js";
import { Lane } from "../lane.js";

/** Why a token is asked for: `needed` may be answered with one that is at hand, `refused` wants a new one. */
export type TokenReason = "needed" | "refused";

/** Gives access tokens. A program that signs people in itself gives its own; sign-in by Semel's `/api/auth` is another one. */
export interface TokenSource {
  token(reason: TokenReason): Promise<string>;
  /** The person signs out: forget what lets them in. */
  end?(): Promise<void>;
}

/** A source, or just the function that gives tokens. */
export type Auth = TokenSource | ((reason: TokenReason) => string | Promise<string>);

/** Keeps the token that is in use. */
export class Tokens {
  readonly #source: TokenSource;
  readonly #user_id: string;
  readonly #lane = new Lane();
  #token: string | undefined;

  constructor(auth: Auth, user_id: string) {
    this.#source = typeof auth === "function" ? { token: async (reason) => auth(reason) } : auth;
    this.#user_id = user_id;
  }

  /** A token that was not refused yet. */
  get(): Promise<string> {
    return this.#lane.run(async () => {
      this.#token ??= this.#check(await this.#source.token("needed"));
      return this.#token;
    });
  }

  /** A token in the place of one that was refused. */
  replace(refused: string): Promise<string> {
    return this.#lane.run(async () => {
      if (this.#token !== undefined && this.#token !== refused) return this.#token;
      this.#token = this.#check(await this.#source.token("refused"));
      return this.#token;
    });
  }

  /** A new token in the place of the one in use: what it says of the person has changed. */
  async renew(): Promise<void> {
    await this.replace(await this.get());
  }

  /** What the token in use says that its person may do, besides being somebody. */
  async scopes(): Promise<readonly string[]> {
    const { scope } = claimsOf(await this.get());
    return typeof scope === "string" ? scope.split(" ") : [];
  }

  async end(): Promise<void> {
    this.#token = undefined;
    await this.#source.end?.();
  }

  #check(token: string): string {
    const owner = subjectOf(token);
    if (owner !== undefined && canonicalUserId(owner) !== this.#user_id) {
      throw new SemelError("wrong_account", "the token is of another person than `userId`");
    }
    return token;
  }
}

/** The `sub` of a token that can be looked into. */
export function subjectOf(token: string): string | undefined {
  const { sub } = claimsOf(token);
  return typeof sub === "string" ? sub : undefined;
}

/** What a token says, where it can be looked into. It is not verified: the server does that. */
function claimsOf(token: string): { readonly sub?: unknown; readonly scope?: unknown } {
  const part = token.split(".")[1];
  if (part === undefined) return {};
  try {
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (letter) =>
      letter.charCodeAt(0),
    );
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null ? claims : {};
  } catch {
    return {};
  }
}
