// Faces for people and groups without a picture.

/** Mid-tones on which white is at least 4.5:1. */
const COLOURS = [
  "#8a4b2b",
  "#3d5a80",
  "#5b6b2a",
  "#7a3b63",
  "#4c5862",
  "#8a5a12",
  "#2f6b58",
  "#6a4a8c",
  "#9a3b3b",
  "#2d6a8a",
  "#5f5a3a",
  "#a0456e",
];

/** The same colour for the same id, everywhere. */
export function colourOf(id: string): string {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return COLOURS[hash % COLOURS.length] ?? "#4c5862";
}

/** One or two letters of a name. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s_\-.@]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letters = words.map((word) => /[\p{L}\p{N}]/u.exec(word)?.[0] ?? "");
  const [first = "?"] = letters;
  const last = letters.length > 1 ? (letters.at(-1) ?? "") : "";
  return (first + last).toLocaleUpperCase();
}
