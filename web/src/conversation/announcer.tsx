import type { Row } from "@semel/sdk";
import { useEffect, useRef, useState } from "react";
import { t } from "../i18n";
import type { Names } from "./names";

/** Milliseconds between two things that are said, at least. */
const PAUSE = 1_500;

/**
 * Says aloud what comes in the open conversation. The list itself is not a live region: history that is loaded and marks
 * that change would be read as well.
 */
export function Announcer(props: {
  readonly rows: readonly Row[];
  readonly isLive: boolean;
  readonly names: Names;
}) {
  const { rows, isLive, names } = props;
  const [words, setWords] = useState("");
  const heard = useRef<number>(undefined);
  useEffect(() => {
    const last = rows.findLast((row) => row.message.seq > 0)?.message.seq ?? 0;
    if (!isLive) return;
    if (heard.current === undefined) {
      heard.current = last;
      return;
    }
    if (last <= heard.current) return;
    const timer = setTimeout(() => {
      const since = heard.current ?? last;
      heard.current = last;
      const fresh = rows.filter((row) => !row.isOwn && row.message.seq > since);
      const one = fresh.at(-1);
      if (one === undefined) return;
      const name = names(one.message.sender_id);
      const told = t("timeline.heard", { count: fresh.length, name });
      setWords(fresh.length === 1 ? `${told}: ${one.message.content}` : told);
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [rows, isLive, names]);
  return (
    <div className="unseen" aria-live="polite" data-announcer="">
      {words}
    </div>
  );
}
