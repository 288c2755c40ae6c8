import { type Ref, useEffect, useImperativeHandle, useRef, useState } from "react";
import { locale, t } from "../i18n";
import { dayName } from "../lib/dates";

/** Milliseconds for which it stays after the last scroll. */
const LINGER = 1_000;

export interface DatePillHandle {
  /** The day of what is at the top of the view; none: its separator is in view and says it. */
  show(at: string | undefined): void;
}

/** Says while somebody scrolls which day is on the screen. Whoever hears the page has the separators. */
export function DatePill({ ref }: { readonly ref: Ref<DatePillHandle> }) {
  const [day, setDay] = useState("");
  const [isShown, setShown] = useState(false);
  const timer = useRef(0);
  useImperativeHandle(ref, () => ({
    show: (at) => {
      clearTimeout(timer.current);
      if (at === undefined) return setShown(false);
      const words = { today: t("day.today"), yesterday: t("day.yesterday") };
      setDay(dayName(at, new Date(), locale(), words));
      setShown(true);
      timer.current = window.setTimeout(() => setShown(false), LINGER);
    },
  }));
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <div
      aria-hidden="true"
      data-day-now=""
      className={`pointer-events-none absolute inset-x-0 top-2 flex justify-center transition-opacity duration-[180ms] ${isShown ? "" : "opacity-0"}`}
    >
      <span className="rounded-full border border-border bg-surface px-3 py-0.5 text-tiny font-semibold text-text2 shadow-float">
        {day}
      </span>
    </div>
  );
}
