// What was begun in a conversation: on the screen at once, kept soon after.

import type { Client, Peer } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { useEffect, useRef, useState } from "react";
import type { Mode } from "./composer";

/** Milliseconds after the last key until a draft is kept. */
const KEEP_AFTER = 250;

/** What the field was for when it was left. */
export function modeOfDraft(client: Client, peer: Peer): Mode {
  return modeFor(client.drafts.of(peer).get()?.reply_to);
}

function modeFor(reply_to: string | undefined): Mode {
  return reply_to === undefined ? { type: "write" } : { type: "reply", id: reply_to };
}

/** The words of the draft. What it answers goes with it; an edit in between is another text, and changes neither. */
export function useDraftWords(peer: Peer, mode: Mode, setMode: (mode: Mode) => void) {
  const client = useClient();
  const [text, setState] = useState(() => client.drafts.of(peer).get()?.text ?? "");
  const latest = useRef({ text, reply_to: client.drafts.of(peer).get()?.reply_to });
  const kept = useRef(latest.current);
  const timer = useRef(0);
  const target = useRef(peer);
  const writing = useRef(0);
  const keep = useRef(() => {
    clearTimeout(timer.current);
    if (isSame(kept.current, latest.current)) return;
    kept.current = latest.current;
    writing.current += 1;
    const { text, reply_to } = latest.current;
    void client.drafts
      .set(target.current, text, reply_to)
      .catch(() => undefined)
      .finally(() => {
        writing.current -= 1;
      });
  });
  const change = useRef(
    (to: { readonly text?: string; readonly reply_to?: string | undefined }) => {
      latest.current = { ...latest.current, ...to };
      clearTimeout(timer.current);
      timer.current = window.setTimeout(keep.current, KEEP_AFTER);
    },
  );
  useEffect(() => {
    if (mode.type === "edit") return;
    const reply_to = mode.type === "reply" ? mode.id : undefined;
    if (reply_to !== latest.current.reply_to) change.current({ reply_to });
  }, [mode]);
  // What another tab made of it, or sent, is here as well, unless somebody writes here.
  const modeNow = useRef(mode);
  modeNow.current = mode;
  useEffect(() => {
    const draft = client.drafts.of(target.current);
    let seen = draft.get();
    return draft.subscribe(() => {
      const now = draft.get();
      if (now === seen) return;
      seen = now;
      const news = { text: now?.text ?? "", reply_to: now?.reply_to };
      const isOwn = writing.current > 0 || !isSame(latest.current, kept.current);
      if (isOwn || isSame(news, latest.current)) return;
      kept.current = news;
      latest.current = news;
      setState(news.text);
      if (modeNow.current.type !== "edit") setMode(modeFor(news.reply_to));
    });
  }, [client, setMode]);
  useEffect(() => {
    const keepNow = keep.current;
    document.addEventListener("visibilitychange", keepNow);
    addEventListener("pagehide", keepNow);
    return () => {
      document.removeEventListener("visibilitychange", keepNow);
      removeEventListener("pagehide", keepNow);
      keepNow();
    };
  }, []);
  const set = (words: string) => {
    setState(words);
    change.current({ text: words });
  };
  const clear = () => {
    setState("");
    change.current({ text: "", reply_to: undefined });
    keep.current();
  };
  return {
    text,
    now: () => latest.current.text,
    set,
    clear,
    /** What the field is for when it is not for an edit. */
    mode: () => modeFor(latest.current.reply_to),
  };
}

interface Words {
  readonly text: string;
  readonly reply_to: string | undefined;
}

function isSame(a: Words, b: Words): boolean {
  return a.text === b.text && a.reply_to === b.reply_to;
}
