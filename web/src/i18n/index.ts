// Words on the screen, in the language that was chosen.

import { localeFor } from "../lib/locale";
import { look } from "../look";
import { en, type Key } from "./en";
import { format, type Values } from "./format";

export type { Key } from "./en";

/** What a language is called by those who speak it. */
export const languages = { en: "English", ar: "العربية" } as const;
export type Language = keyof typeof languages;

let texts: Readonly<Record<Key, string>> = en;
let spoken: Language = "en";
let written = localeFor(spoken, navigator.languages);

/** Gets a language and uses it from now on. English is part of the page, others are fetched. */
export async function speak(language: Language): Promise<void> {
  texts = language === "ar" ? (await import("./ar")).ar : en;
  spoken = language;
  written = localeFor(language, navigator.languages);
  document.documentElement.lang = language;
  document.documentElement.dir = language === "ar" ? "rtl" : "ltr";
  look.set({ ...look.get(), language });
}

/** The words for a key. */
export function t(key: Key, values: Values = {}): string {
  return format(texts[key], values, spoken);
}

/** For dates and times: the language that is spoken now, as it is written here. */
export function locale(): string {
  return written;
}
