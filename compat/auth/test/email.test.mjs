// Codes by e-mail, over a real mail server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { SMTPServer } from "smtp-server";

import { Server } from "../../js/support/server.mjs";
import { until } from "../../js/support/wait.mjs";
import { post } from "../support/call.mjs";

const mails = [];
const troubles = [];
let smtp, server;

before(async () => {
  smtp = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _, done) =>
      username === "semel" && password === "p@ss" ? done(null, { user: 1 }) : done(new Error("no")),
    onData(stream, session, done) {
      let text = "";
      stream.on("data", (part) => (text += part));
      stream.on("end", () => {
        mails.push({ text, to: session.envelope.rcptTo.map(({ address }) => address) });
        const trouble = troubles.shift();
        done(trouble && Object.assign(new Error("later"), { responseCode: trouble }));
      });
    },
  });
  await new Promise((resolve) => smtp.listen(0, "127.0.0.1", resolve));
  server = await Server.start({
    SEMEL_EMAIL_SENDER: "smtp",
    SEMEL_SMTP_URL: `smtp://semel:p%40ss@127.0.0.1:${smtp.server.address().port}`,
    SEMEL_EMAIL_FROM: "Chat <chat@example.org>",
  });
});

after(async () => {
  await server?.close();
  await new Promise((resolve) => smtp.close(resolve));
});

const codeOf = (mail) => /Subject: (\d{6}) /.exec(mail.text)?.[1];

async function begin(to) {
  const from = mails.length;
  const { data } = await post(server, "/api/auth/challenges", { kind: "email", to });
  const mail = await until(() => mails[from], "a mail");
  return { challenge_id: data.challenge_id, mail };
}

test("req_d2_a_person_signs_in_by_email", async () => {
  const { challenge_id, mail } = await begin("Ann@Example.org");
  assert.deepEqual(mail.to, ["ann@example.org"]);
  assert.match(mail.text, /^From: "?Chat"? <chat@example.org>/m);
  assert.match(mail.text, /^Message-ID: <[0-9a-f-]{36}@example.org>/m);
  const code = codeOf(mail);
  const wrong = code === "111111" ? "222222" : "111111";
  const guess = (code) => post(server, "/api/auth/verify", { challenge_id, code });
  assert.equal((await guess(wrong)).code, "wrong_code");
  const { data } = await guess(code);
  assert.equal(data.is_new_person, true);
  const again = await begin("ann@example.org");
  const body = { challenge_id: again.challenge_id, code: codeOf(again.mail) };
  assert.equal((await post(server, "/api/auth/verify", body)).data.user_id, data.user_id);
  assert.ok(!server.log.includes(code), "no code is in the log");
  assert.ok(!server.log.includes(data.refresh_token), "no token is in the log");
});

test("req_d2_a_mail_that_did_not_go_is_sent_again_under_its_id", async () => {
  troubles.push(451);
  const from = mails.length;
  await post(server, "/api/auth/challenges", { kind: "email", to: "bob@example.org" });
  const again = await until(() => mails[from + 1], "the mail once more", 20_000);
  const idOf = ({ text }) => /^Message-ID: (.*)$/m.exec(text)[1];
  assert.equal(idOf(again), idOf(mails[from]));
  assert.equal(codeOf(again), codeOf(mails[from]));
});
