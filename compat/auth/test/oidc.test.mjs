// Accounts of a real OpenID provider.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createServer as createSocket } from "node:net";
import { after, before, test } from "node:test";

import Provider from "oidc-provider";

import { Server } from "../../js/support/server.mjs";
import { Browser } from "../support/call.mjs";

const START = "/api/auth/providers/example/start";
let provider, listener, server, issuer;

/** A port that is free now: a server and its provider know each other's address before they start. */
async function freePort() {
  const socket = createSocket();
  await new Promise((resolve) => socket.listen(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

before(async () => {
  const own = `http://127.0.0.1:${await freePort()}`;
  issuer = `http://127.0.0.1:${await freePort()}`;
  provider = new Provider(issuer, {
    clients: [
      {
        client_id: "semel",
        client_secret: "a-secret-of-the-client",
        redirect_uris: [`${own}/api/auth/providers/example/callback`],
        token_endpoint_auth_method: "client_secret_post",
      },
    ],
    cookies: { keys: ["a key of these tests"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    async findAccount(_, accountId) {
      const claims = { sub: accountId, email: `${accountId}@example.org`, email_verified: true };
      return { accountId, claims: async () => ({ ...claims, name: accountId.toUpperCase() }) };
    },
  });
  listener = createServer(provider.callback());
  await new Promise((resolve) => listener.listen(new URL(issuer).port, "127.0.0.1", resolve));
  server = await Server.start({
    SEMEL_LISTEN: new URL(own).host,
    SEMEL_PUBLIC_URL: own,
    SEMEL_OIDC_PROVIDERS: `example ${issuer} semel a-secret-of-the-client`,
  });
});

after(async () => {
  await server?.close();
  listener?.closeAllConnections();
  await new Promise((resolve) => listener.close(resolve));
});

/** Signs in at the provider; the address to which the browser is sent back. */
async function atProvider(browser, start, login) {
  const callback = `${server.url}/api/auth/providers/example/callback`;
  let step = await browser.follow(start, callback);
  for (let forms = 0; forms < 3 && step.page; forms += 1) {
    const [, prompt] = /name="prompt" value="(\w+)"/.exec(step.page);
    const [, action] = /action="([^"]+)"/.exec(step.page);
    const url = new URL(action, step.url).href;
    const next = await browser.submit(url, { prompt, login, password: "x" });
    step = await browser.follow(next, callback);
  }
  return step.url;
}

async function signIn(browser, login) {
  const { data } = await browser.call(server, START, { return_to: "/chats", device_name: "Laptop" });
  const back = await atProvider(browser, data.authorization_url, login);
  const answer = await browser.ask(back);
  assert.equal(answer.status, 303);
  return { back, location: answer.headers.get("location") };
}

test("req_d2_a_person_signs_in_with_a_provider_and_is_the_same_the_next_time", async () => {
  const browser = new Browser();
  const { back, location } = await signIn(browser, "ann");
  assert.equal(location, "/chats");
  const { data } = await browser.call(server, "/api/auth/refresh", {});
  const headers = { authorization: `Bearer ${data.access_token}` };
  const get = async (path) => (await (await fetch(`${server.url}${path}`, { headers })).json()).data;
  assert.equal((await get("/api/users/me")).user.display_name, "ANN");
  const { identities } = await get("/api/auth/identities");
  assert.equal(identities.length, 1);
  assert.equal(identities[0].value, `${issuer} ann`);
  assert.equal(identities[0].label, "ann@example.org");
  assert.equal(identities[0].is_verified, true);
  assert.equal((await get("/api/auth/sessions")).sessions[0].device_name, "Laptop");

  // The way back counts once.
  const reload = await browser.ask(back);
  assert.equal(reload.status, 401);

  const other = new Browser();
  await signIn(other, "ann");
  const again = await other.call(server, "/api/auth/refresh", {});
  assert.equal(again.data.user_id, data.user_id);
  const bob = new Browser();
  await signIn(bob, "bob");
  assert.notEqual((await bob.call(server, "/api/auth/refresh", {})).data.user_id, data.user_id);
});

test("peer_cve_06_a_state_of_another_browser_or_of_nobody_is_refused", async () => {
  const attacker = new Browser();
  const { data } = await attacker.call(server, START, {});
  const back = await atProvider(attacker, data.authorization_url, "mallory");
  // The victim has not begun anything, or something else.
  const victim = new Browser();
  assert.equal((await victim.ask(back)).status, 401);
  await victim.call(server, START, {});
  const answer = await victim.ask(back);
  assert.equal((await answer.json()).code, "sign_in_failed");
  assert.equal((await victim.call(server, "/api/auth/refresh", {})).code, "session_revoked");
  // Another state for the same code, and no state.
  const url = new URL(back);
  url.searchParams.set("state", "7b0d3c0e-3a51-4a2e-9d0a-000000000000");
  assert.equal((await attacker.ask(url.href)).status, 401);
  url.searchParams.delete("state");
  assert.equal((await attacker.ask(url.href)).status, 401);
  // The one who began can still end it.
  assert.equal((await attacker.ask(back)).headers.get("location"), "/");
});

test("peer_cve_10_a_link_that_was_begun_ends_with_the_sign_in_that_began_it", async () => {
  const owner = new Browser();
  await signIn(owner, "ann");
  const { data } = await owner.call(server, "/api/auth/refresh", {});
  const headers = { authorization: `Bearer ${data.access_token}` };
  // Somebody has the token for a moment, and begins to link an account of theirs.
  const thief = new Browser();
  const begun = await thief.call(server, START, { purpose: "link" }, headers);
  const back = await atProvider(thief, begun.data.authorization_url, "mallory");
  await owner.call(server, "/api/auth/sign-out", {});
  const answer = await thief.ask(back);
  assert.equal(answer.headers.get("location"), "/#sign_in_error=session_revoked");
  await signIn(owner, "ann");
  const again = await owner.call(server, "/api/auth/refresh", {});
  const list = await fetch(`${server.url}/api/auth/identities`, {
    headers: { authorization: `Bearer ${again.data.access_token}` },
  });
  assert.equal((await list.json()).data.identities.length, 1);
});

test("p_auth_14_what_a_provider_refuses_or_another_one_says_signs_nobody_in", async () => {
  for (const change of [
    (query) => query.set("code", "made-up"),
    (query) => query.set("iss", "https://evil.example"),
    (query) => (query.delete("code"), query.set("error", "access_denied")),
  ]) {
    const browser = new Browser();
    const { data } = await browser.call(server, START, { return_to: "/in" });
    const url = new URL(await atProvider(browser, data.authorization_url, "ann"));
    change(url.searchParams);
    const answer = await browser.ask(url.href);
    assert.equal(answer.headers.get("location"), "/in#sign_in_error=sign_in_failed");
    assert.equal((await browser.call(server, "/api/auth/refresh", {})).code, "session_revoked");
  }
  const browser = new Browser();
  const query = new URL((await browser.call(server, START, {})).data.authorization_url).searchParams;
  assert.equal(query.get("code_challenge_method"), "S256");
  assert.ok(query.get("nonce") && query.get("state"));
  assert.equal((await browser.call(server, START, { return_to: "//evil.example" })).code, "invalid_request");
});
