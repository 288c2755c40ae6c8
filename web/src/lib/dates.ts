// Dates as people say them. The server's time, in the zone of the device.

const DAY = 86_400_000;

/** Days since the epoch, in local time. */
export function dayOf(at: Date): number {
  return Math.floor((at.getTime() - at.getTimezoneOffset() * 60_000) / DAY);
}

export function timeOf(iso: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" }).format(
    new Date(iso),
  );
}

/** For separators: a word when `words` has one, else the date. */
export function dayName(
  iso: string,
  now: Date,
  locale: string,
  words: { readonly today: string; readonly yesterday: string },
): string {
  const at = new Date(iso);
  const ago = dayOf(now) - dayOf(at);
  if (ago === 0) return words.today;
  if (ago === 1) return words.yesterday;
  const year = at.getFullYear() === now.getFullYear() ? {} : ({ year: "numeric" } as const);
  return new Intl.DateTimeFormat(locale, {
    weekday: "long",
    day: "numeric",
    month: "long",
    ...year,
  }).format(at);
}

/** For the list of chats: today the time, this week the day, else the date. */
export function shortDate(iso: string, now: Date, locale: string, yesterday: string): string {
  const at = new Date(iso);
  const ago = dayOf(now) - dayOf(at);
  if (ago <= 0) return timeOf(iso, locale);
  if (ago === 1) return yesterday;
  if (ago < 7) return new Intl.DateTimeFormat(locale, { weekday: "short" }).format(at);
  return new Intl.DateTimeFormat(locale, { dateStyle: "short" }).format(at);
}
