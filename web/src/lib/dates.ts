// Dates as people say them. The server's time, in the zone of the device.

const DAY = 86_400_000;

/** Days since the epoch, in local time. */
export function dayOf(at: Date): number {
  return Math.floor((at.getTime() - at.getTimezoneOffset() * 60_000) / DAY);
}

const styles = {
  time: { timeStyle: "short" },
  date: { dateStyle: "medium" },
  dateTime: { dateStyle: "medium", timeStyle: "short" },
  day: { weekday: "long", day: "numeric", month: "long" },
  dayOfYear: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  weekday: { weekday: "short" },
  short: { dateStyle: "short" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

/** They cost much to make, and there is one time in every row. */
const made = new Map<string, Intl.DateTimeFormat>();

function write(at: Date, style: keyof typeof styles, locale: string): string {
  const name = `${locale} ${style}`;
  let format = made.get(name);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(locale, styles[style]);
    made.set(name, format);
  }
  return format.format(at);
}

/** With 12 or 24 hours, as the locale has them. */
export function timeOf(iso: string, locale: string): string {
  return write(new Date(iso), "time", locale);
}

export function dateOf(iso: string, locale: string): string {
  return write(new Date(iso), "date", locale);
}

export function dateTimeOf(iso: string, locale: string): string {
  return write(new Date(iso), "dateTime", locale);
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
  return write(at, at.getFullYear() === now.getFullYear() ? "day" : "dayOfYear", locale);
}

/** For the list of chats: today the time, this week the day, else the date. */
export function shortDate(iso: string, now: Date, locale: string, yesterday: string): string {
  const at = new Date(iso);
  const ago = dayOf(now) - dayOf(at);
  if (ago <= 0) return timeOf(iso, locale);
  if (ago === 1) return yesterday;
  if (ago < 7) return write(at, "weekday", locale);
  return write(at, "short", locale);
}
