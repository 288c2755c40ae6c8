import { type ReactNode, useEffect, useId, useRef } from "react";
import { t } from "../i18n";
import { layers } from "../layers";
import { IconButton } from "./button";
import { Icon } from "./icons";

/** The browser's own dialog: it keeps the focus inside, closes with Escape and gives the focus back. */
export function Dialog(props: {
  readonly title: string;
  readonly children: ReactNode;
  /** Where the first key goes; else to what is marked `data-first`, else to the first control. */
  readonly width?: string;
  readonly side?: boolean;
  /** Nothing in it takes the focus: so it does itself, to be scrolled with keys. */
  readonly plain?: boolean;
}) {
  const { title, children, width = "26rem", side, plain } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const node = dialog.current;
    if (node === null) return;
    if (!node.open) node.showModal();
    node.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => node.close();
  }, []);
  const place = side
    ? "me-0 ms-auto my-0 h-dvh max-h-dvh rounded-none"
    : "m-auto max-h-[min(40rem,calc(100dvh-2rem))] rounded-[16px]";
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it; the click is the one beside it.
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onClose={() => layers.close()}
      onClick={(event) => {
        if (event.target === dialog.current) layers.close();
      }}
      className={`max-w-[calc(100vw-2rem)] animate-pop flex-col overflow-hidden bg-surface p-0 shadow-float open:flex ${place}`}
      style={{ width }}
    >
      <header className="flex h-14 shrink-0 items-center gap-2 ps-5 pe-2">
        <h2 id={id} className="min-w-0 flex-1 truncate text-head font-[650]">
          {title}
        </h2>
        <IconButton label={t("dialog.close")} onClick={() => layers.close()}>
          <Icon name="close" />
        </IconButton>
      </header>
      <div
        className="thin-scroll min-h-0 flex-1 overflow-auto px-5 pb-5"
        tabIndex={plain ? 0 : undefined}
      >
        {children}
      </div>
    </dialog>
  );
}
