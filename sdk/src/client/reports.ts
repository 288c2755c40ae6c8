// What people tell the operators of a server.

import { segment } from "../network/api.js";
import type { NewReport } from "../protocol/wire.js";
import type { Client } from "./client.js";
import { contextOf } from "./contexts.js";

/** Reports a message. Operators get it as it is now, whatever becomes of it; its sender is not told. */
export async function reportMessage(
  client: Client,
  thread_id: string,
  message_id: string,
  report: NewReport,
): Promise<void> {
  const path = `/api/chat/threads/${segment(thread_id)}/messages/${segment(message_id)}/report`;
  await contextOf(client).api.call({ method: "POST", path, body: report });
}

/** Reports a person. They are not told. */
export async function reportPerson(
  client: Client,
  user_id: string,
  report: NewReport,
): Promise<void> {
  const path = `/api/users/${segment(user_id)}/report`;
  await contextOf(client).api.call({ method: "POST", path, body: report });
}
