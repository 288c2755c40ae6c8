// Words on the screen, in the language that was chosen.

import { setupI18n } from "@lingui/core";
import { compileMessage } from "@lingui/message-utils/compileMessage";
import { look } from "../look";
import { en, type Key } from "./en";

export type { Key } from "./en";

/** What a language is called by those who speak it. */
export const languages = { en: "English", ar: "العربية" } as const;
export type Language = keyof typeof languages;

const i18n = setupI18n().setMessagesCompiler(compileMessage);
i18n.load("en", en);
i18n.activate("en");

/** Gets a language and uses it from now on. English is part of the page, others are fetched. */
export async function speak(language: Language): Promise<void> {
  if (language === "ar") i18n.load("ar", (await import("./ar")).ar);
  i18n.activate(language);
  document.documentElement.lang = language;
  document.documentElement.dir = language === "ar" ? "rtl" : "ltr";
  look.set({ ...look.get(), language });
}

/** The words for a key. */
export function t(key: Key, values?: Readonly<Record<string, string | number>>): string {
  return i18n._(key, values);
}

/** The language that is spoken now, for dates and numbers. */
export function locale(): string {
  return i18n.locale;
}
