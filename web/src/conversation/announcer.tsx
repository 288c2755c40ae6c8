import type { Row } from "@semel/sdk";
import { useEffect, useRef, useState } from "react";
import { t } from "../i18n";
import { heardAtFirst, newsSince, type Shown, sendersOf } from "../lib/herald";
import { wordsIn } from "./bubble";
import type { Names } from "./names";

/** Milliseconds between two things that are said, at least; and until something is said, at most. */
const PAUSE = 1_500;

/**
 * Says aloud what comes in the open conversation. The list itself is not a live region: history that is loaded and marks
 * that change would be read as well.
 */
export function Announcer(props: Shown & { readonly names: Names }) {
  const [said, setSaid] = useState({ words: "", number: 0 });
  const heard = useRef<number>(undefined);
  const timer = useRef(0);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    heard.current = heardAtFirst(heard.current, latest.current);
    if (heard.current === undefined || timer.current !== 0) return;
    if (newsSince(heard.current, props).fresh.length === 0) {
      heard.current = newsSince(heard.current, props).heard;
      return;
    }
    // Not begun anew by what comes meanwhile: messages that never stop would never be told.
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      const { names } = latest.current;
      const { fresh, heard: now } = newsSince(heard.current ?? 0, latest.current);
      heard.current = now;
      const words = wordsOf(fresh, names);
      if (words !== "") setSaid(({ number }) => ({ words, number: number + 1 }));
    }, PAUSE);
  }, [props]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = 0;
    },
    [],
  );
  return (
    <div className="unseen" aria-live="polite" data-announcer="">
      {/* Another element each time: equal words are news as well. */}
      <p key={said.number}>{said.words}</p>
    </div>
  );
}

function wordsOf(fresh: readonly Row[], names: Names): string {
  const one = fresh.at(-1);
  if (one === undefined) return "";
  const senders = sendersOf(fresh);
  if (senders.length > 1) {
    return t("timeline.heardSeveral", {
      count: fresh.length,
      names: senders.map(names).join(", "),
    });
  }
  const told = t("timeline.heard", { count: fresh.length, name: names(one.message.sender_id) });
  return fresh.length === 1 ? `${told}: ${wordsIn(one.message)}` : told;
}
