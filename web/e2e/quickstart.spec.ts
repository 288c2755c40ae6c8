// The quick start of the SDK does what it says, and the web client shows what came of it.

import { readFile } from "node:fs/promises";
import { expect, test } from "./support";

const sdk = new URL("../../sdk/", import.meta.url).pathname;

test("the_quick_start_runs_as_written_and_the_web_client_shows_its_message", async ({
  server,
  visit,
}) => {
  const page = await readFile(new URL("../../docs/SDK.md", import.meta.url), "utf8");
  const commands = /```sh\n([^`]*quickstart[^`]*)```/.exec(page)?.[1];
  if (commands === undefined) throw new Error("docs/SDK.md has no commands");
  const said = await server.shell(commands, sdk);
  expect(said).toContain("[ 'ada: Hello Bob' ]");
  const address = /Bob's side: (\S+)/.exec(said)?.[1];
  const bob = await visit(address?.replace(server.url, ""));
  await expect(bob.getByRole("heading", { name: "Ada" })).toBeVisible();
  await expect(bob.locator("[data-row] [data-text]")).toHaveText(["Hello Bob"]);
});
