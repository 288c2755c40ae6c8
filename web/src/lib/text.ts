// What the words of a message are made of: links, names of people, the rest. Never HTML.

export type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "link"; readonly text: string; readonly href: string }
  | { readonly type: "mention"; readonly text: string };

const LINK = /https?:\/\/[^\s<>"']+/gu;
/** At the end of a link these belong to the sentence. */
const AFTER = /[.,;:!?)\]}»”’]+$/u;

/** `names` are those that may be mentioned, without the `@`. */
export function partsOf(text: string, names: readonly string[]): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const found of text.matchAll(LINK)) {
    const href = found[0].replace(AFTER, "");
    if (!URL.canParse(href)) continue;
    parts.push(...mentionsIn(text.slice(from, found.index), names));
    parts.push({ type: "link", text: href, href });
    from = found.index + href.length;
  }
  parts.push(...mentionsIn(text.slice(from), names));
  return parts;
}

function mentionsIn(text: string, names: readonly string[]): Part[] {
  if (text === "") return [];
  // The longest first: "@Ada Lovelace" is not "@Ada".
  const known = [...names].sort((a, b) => b.length - a.length);
  const parts: Part[] = [];
  let from = 0;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    const isWord = at > 0 && /[\p{L}\p{N}]/u.test(text[at - 1] ?? "");
    const name = isWord ? undefined : known.find((one) => isNamed(text, at + 1, one));
    if (name === undefined) continue;
    if (at > from) parts.push({ type: "text", text: text.slice(from, at) });
    parts.push({ type: "mention", text: `@${name}` });
    from = at + 1 + name.length;
  }
  if (from < text.length) parts.push({ type: "text", text: text.slice(from) });
  return parts;
}

function isNamed(text: string, at: number, name: string): boolean {
  return text.startsWith(name, at) && !/^[\p{L}\p{N}]/u.test(text.slice(at + name.length));
}

/** Whether it is nothing but one to three emoji, which are shown large. */
export function isEmojiOnly(text: string): boolean {
  const plain = text.trim();
  if (plain === "" || plain.length > 30) return false;
  const found = [...new Intl.Segmenter().segment(plain)].map(({ segment }) => segment);
  return found.length <= 3 && found.every((one) => /\p{Extended_Pictographic}/u.test(one));
}
