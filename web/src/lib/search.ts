// How words are compared: without case and without accents.

import type { User } from "@semel/sdk";

export function fold(text: string): string {
  return text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLocaleLowerCase();
}

/** Whether each word of what was typed begins a word of one of the texts. */
export function matches(typed: string, texts: readonly string[]): boolean {
  const known = texts.flatMap((text) => fold(text).split(/[^\p{L}\p{N}]+/u));
  const words = fold(typed)
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
  return words.every((word) => known.some((one) => one.startsWith(word)));
}

/** What somebody may be looked for by. */
export function wordsFor(user: User, names: (userId: string) => string): readonly string[] {
  const { user_id, display_name, handle } = user;
  return [names(user_id), display_name, user_id, handle ?? ""];
}
