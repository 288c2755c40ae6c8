// An OpenID provider of one person, who always says yes.

import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const CLIENT = "semel-web";

interface Flow {
  readonly nonce: string;
  readonly challenge: string;
}

export class Provider {
  url = "";
  /** The next visitor says no. */
  refuses = false;
  readonly #server: Server;
  readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  readonly #flows = new Map<string, Flow>();

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<Provider> {
    const provider = new Provider();
    await new Promise<void>((resolve) => provider.#server.listen(0, "127.0.0.1", resolve));
    provider.url = `http://127.0.0.1:${(provider.#server.address() as AddressInfo).port}`;
    return provider;
  }

  /** For `oidc_providers`. */
  get setting(): string {
    return `google ${this.url} ${CLIENT} secret`;
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const json = (body: unknown, status = 200) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (pathname === "/.well-known/openid-configuration") json(this.#description());
    else if (pathname === "/keys") json({ keys: [this.#key()] });
    else if (pathname === "/authorize") {
      response.writeHead(302, { location: this.#wayBack(searchParams) }).end();
    } else if (pathname === "/token") {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const given = new URLSearchParams(Buffer.concat(parts).toString());
      const flow = this.#flows.get(given.get("code") ?? "");
      const hash = createHash("sha256").update(given.get("code_verifier") ?? "");
      if (flow?.challenge !== hash.digest("base64url")) json({ error: "invalid_grant" }, 400);
      else json({ access_token: "none", token_type: "Bearer", id_token: this.#token(flow.nonce) });
    } else response.writeHead(404).end();
  }

  #description() {
    return {
      issuer: this.url,
      authorization_endpoint: `${this.url}/authorize`,
      token_endpoint: `${this.url}/token`,
      jwks_uri: `${this.url}/keys`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
    };
  }

  #key() {
    return {
      ...this.#keys.publicKey.export({ format: "jwk" }),
      kid: "1",
      use: "sig",
      alg: "RS256",
    };
  }

  #wayBack(asked: URLSearchParams): string {
    const back = new URL(asked.get("redirect_uri") ?? "");
    back.searchParams.set("state", asked.get("state") ?? "");
    if (this.refuses) {
      back.searchParams.set("error", "access_denied");
      return back.href;
    }
    const code = randomUUID();
    const [nonce, challenge] = [asked.get("nonce") ?? "", asked.get("code_challenge") ?? ""];
    this.#flows.set(code, { nonce, challenge });
    back.searchParams.set("code", code);
    return back.href;
  }

  #token(nonce: string): string {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: this.url,
      aud: CLIENT,
      sub: "17",
      name: "Grace Hopper",
      email: "grace@example.org",
      email_verified: true,
      nonce,
      iat: now,
      exp: now + 300,
    };
    const text = `${encode({ alg: "RS256", typ: "JWT", kid: "1" })}.${encode(claims)}`;
    return `${text}.${sign("sha256", Buffer.from(text), this.#keys.privateKey).toString("base64url")}`;
  }
}
