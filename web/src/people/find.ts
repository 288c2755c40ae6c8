// Whom somebody means by what they typed: one person, found by exactly that.

import { type Client, hasCode, type User } from "@semel/sdk";

export type By =
  | { readonly handle: string }
  | { readonly phone: string }
  | { readonly email: string }
  | { readonly id: string };

/** How what was typed can be read, the likeliest first. */
export function readingsOf(typed: string): readonly By[] {
  const text = typed.trim();
  if (text === "") return [];
  if (text.startsWith("@")) return [{ handle: text }];
  if (/^\+[\d\s().-]+$/u.test(text)) return [{ phone: text }];
  if (/^[^@\s]+@[^@\s]+$/u.test(text)) return [{ id: text }, { email: text }];
  const byId: By = { id: text };
  // A number as it is dialled at home: the server knows in which country that is.
  if (/^\d[\d\s().-]{5,}$/u.test(text)) return [byId, { phone: text }];
  return /^[a-z]\w{2,29}$/iu.test(text) ? [byId, { handle: text }] : [byId];
}

/** The first who is found. */
export async function findPerson(client: Client, typed: string): Promise<User | undefined> {
  for (const by of readingsOf(typed)) {
    const user = await findBy(client, by);
    if (user !== undefined) return user;
  }
  return undefined;
}

async function findBy(client: Client, by: By): Promise<User | undefined> {
  try {
    return "id" in by ? await client.actions.user(by.id) : await client.actions.find(by);
  } catch (error) {
    // Nobody, or no id, handle or number at all.
    if (hasCode(error, "not_found") || hasCode(error, "invalid_request")) return undefined;
    throw error;
  }
}
