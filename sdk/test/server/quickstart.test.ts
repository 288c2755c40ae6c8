// The example of the first page does what it says.

import { expect, test } from "vitest";

import { talk } from "../../examples/quickstart.mjs";
import { Server, tokenOf } from "../support/server.js";

test("the quick start chats", async () => {
  const server = await Server.start();
  const tokens = { ada: tokenOf("ada"), bob: tokenOf("bob") };
  expect(await talk(server.url, tokens)).toEqual(["ada: Hello Bob"]);
  await server.close();
});
