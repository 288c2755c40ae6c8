import { type KeyboardEvent, type PointerEvent, useState } from "react";
import { t } from "./i18n";
import { LIST_WIDTH, look, useLook } from "./look";

/** Pixels by which a key moves it. */
const STEP = 16;

const within = (width: number) =>
  Math.round(Math.min(LIST_WIDTH.most, Math.max(LIST_WIDTH.least, width)));

/** The edge of the column of lists on wide screens: drawn, or moved with keys; the settings have it as well. */
export function ListEdge() {
  const now = useLook();
  const [isDragged, setDragged] = useState(false);
  const set = (width: number) => look.set({ ...look.get(), listWidth: within(width) });
  const onKeyDown = (event: KeyboardEvent) => {
    const isRightToLeft = document.documentElement.dir === "rtl";
    const moves: Record<string, number> = {
      ArrowLeft: now.listWidth + (isRightToLeft ? STEP : -STEP),
      ArrowRight: now.listWidth + (isRightToLeft ? -STEP : STEP),
      Home: LIST_WIDTH.least,
      End: LIST_WIDTH.most,
      Enter: LIST_WIDTH.usual,
    };
    const width = moves[event.key];
    if (width === undefined) return;
    event.preventDefault();
    set(width);
  };
  const onPointerMove = (event: PointerEvent) => {
    const column = event.currentTarget.parentElement?.getBoundingClientRect();
    if (!isDragged || column === undefined) return;
    const isRightToLeft = document.documentElement.dir === "rtl";
    const width = isRightToLeft ? column.right - event.clientX : event.clientX - column.left;
    // The width that is kept is the one with letters of the usual size.
    set((width * 16) / Number.parseFloat(getComputedStyle(document.documentElement).fontSize));
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that moves is no line between paragraphs.
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label={t("list.width")}
      aria-valuemin={LIST_WIDTH.least}
      aria-valuemax={LIST_WIDTH.most}
      aria-valuenow={within(now.listWidth)}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDragged(true);
      }}
      onPointerMove={onPointerMove}
      onPointerUp={() => setDragged(false)}
      onPointerCancel={() => setDragged(false)}
      onDoubleClick={() => set(LIST_WIDTH.usual)}
      className={`absolute inset-y-0 -end-1 z-10 hidden w-2 cursor-col-resize touch-none after:absolute after:inset-y-0 after:start-[3px] after:w-0.5 hover:after:bg-accent focus-visible:outline-none focus-visible:after:bg-accent lg:block ${isDragged ? "after:bg-accent" : ""}`}
    />
  );
}
