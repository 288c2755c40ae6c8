// In which way dates and times are written.

/**
 * The language that is spoken here, as it is written where the device is at home: English in Germany has 24 hours, in the
 * United States twice 12.
 */
export function localeFor(spoken: string, [first = spoken]: readonly string[]): string {
  try {
    const { language, region } = new Intl.Locale(first);
    if (language === spoken) return first;
    // Who put a language without a country first lives where most do who speak it.
    const home = region ?? new Intl.Locale(first).maximize().region;
    return home === undefined ? spoken : `${spoken}-${home}`;
  } catch {
    return spoken;
  }
}
