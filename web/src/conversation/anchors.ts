// Where each conversation was left in this tab, also over a reload.

/**
 * A message, and how many pixels the list has scrolled beyond its top; what stands before the list counts as scrolled. Or that
 * it is in the middle.
 */
export interface Anchor {
  readonly seq: number;
  readonly above: number | "center";
}

/** In this tab, by the id of the thread: it has several addresses. The one that was moved last is the last. */
const NAME = "semel:anchors";
/** Conversations whose place is kept; beyond that the one that was moved longest ago opens at its end. */
export const ANCHORS_MAX = 100;

const anchors = new Map(read());

export function anchorOf(threadId: string): Anchor | undefined {
  return anchors.get(threadId);
}

/** None: it is at its end. */
export function keepAnchor(threadId: string, anchor: Anchor | undefined): void {
  anchors.delete(threadId);
  if (anchor === undefined) return;
  anchors.set(threadId, anchor);
  const [oldest] = anchors.keys();
  if (anchors.size > ANCHORS_MAX && oldest !== undefined) anchors.delete(oldest);
}

/** The person signs out. */
export function forgetAnchors(): void {
  anchors.clear();
  write();
}

/** Has `keep` called when the page goes, or may go without another word, and when the returned function ends it. */
export function followLeaving(keep: () => void): () => void {
  const leave = () => {
    keep();
    write();
  };
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", leave);
  return () => {
    removeEventListener("pagehide", leave);
    document.removeEventListener("visibilitychange", leave);
    leave();
  };
}

function write(): void {
  try {
    if (anchors.size === 0) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, JSON.stringify([...anchors]));
  } catch {
    // Kept nowhere: after a reload conversations open at their end.
  }
}

function read(): (readonly [string, Anchor])[] {
  try {
    const found = JSON.parse(sessionStorage.getItem(NAME) ?? "[]") as [string, Anchor][];
    return found.filter(([, anchor]) => Number.isFinite(anchor.seq));
  } catch {
    return [];
  }
}
