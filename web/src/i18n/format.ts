// Texts with slots, in the part of ICU's message format that they use: `{name}`, and `{count, plural, one {…} other {…}}`
// in which `#` is the number.

export type Values = Readonly<Record<string, string | number>>;

type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "slot"; readonly name: string }
  | { readonly type: "number" }
  | {
      readonly type: "plural";
      readonly name: string;
      readonly cases: ReadonlyMap<string, readonly Part[]>;
    };

const parsed = new Map<string, readonly Part[]>();

/** The text with its slots filled. */
export function format(text: string, values: Values, locale: string): string {
  let parts = parsed.get(text);
  if (parts === undefined) {
    parts = parse(text);
    parsed.set(text, parts);
  }
  return write(parts, values, locale, "");
}

/** The parts of a text. Throws when it is not of the format. */
export function parse(text: string): readonly Part[] {
  const reader = new Reader(text);
  const parts = reader.parts(false);
  if (!reader.isAtEnd) throw new SyntaxError(`a brace too much: ${text}`);
  return parts;
}

function write(parts: readonly Part[], values: Values, locale: string, number: string): string {
  return parts
    .map((part) => {
      if (part.type === "text") return part.text;
      if (part.type === "number") return number;
      const value = values[part.name] ?? "";
      if (part.type === "slot") return String(value);
      const count = Number(value);
      const kind = new Intl.PluralRules(locale).select(count);
      const chosen = part.cases.get(kind) ?? part.cases.get("other") ?? [];
      return write(chosen, values, locale, new Intl.NumberFormat(locale).format(count));
    })
    .join("");
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** Up to the brace that closes, or the end. */
  parts(isPlural: boolean): Part[] {
    const parts: Part[] = [];
    while (!this.isAtEnd && this.#text[this.#at] !== "}") {
      if (this.#text[this.#at] === "{") parts.push(this.#slot());
      else if (isPlural && this.#text[this.#at] === "#") {
        this.#at += 1;
        parts.push({ type: "number" });
      } else parts.push({ type: "text", text: this.#take(isPlural ? /[^{}#]+/y : /[^{}]+/y) });
    }
    return parts;
  }

  #slot(): Part {
    this.#take(/\{\s*/y);
    const name = this.#take(/\w+/y);
    if (this.#text[this.#at] === "}") {
      this.#at += 1;
      return { type: "slot", name };
    }
    this.#take(/\s*,\s*plural\s*,\s*/y);
    const cases = new Map<string, readonly Part[]>();
    while (this.#text[this.#at] !== "}") {
      const kind = this.#take(/\w+/y);
      this.#take(/\s*\{/y);
      cases.set(kind, this.parts(true));
      this.#take(/\}\s*/y);
    }
    this.#at += 1;
    if (!cases.has("other")) throw new SyntaxError(`no word for other numbers: ${this.#text}`);
    return { type: "plural", name, cases };
  }

  /** What stands here. */
  #take(what: RegExp): string {
    what.lastIndex = this.#at;
    const found = what.exec(this.#text)?.[0];
    if (found === undefined) throw new SyntaxError(`at ${this.#at}: ${this.#text}`);
    this.#at += found.length;
    return found;
  }
}
