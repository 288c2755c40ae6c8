import {
  createContext,
  type ReactNode,
  use,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
} from "react";
import { flushSync } from "react-dom";
import { t } from "../i18n";
import { layers } from "../layers";
import { IconButton } from "./button";
import { Icon } from "./icons";

interface Props {
  readonly title: string;
  readonly children: ReactNode;
  /** Where the first key goes; else to what is marked `data-first`, else to the first control. */
  readonly width?: string;
  readonly side?: boolean;
  /** Nothing in it takes the focus: so it does itself, to be scrolled with keys. */
  readonly plain?: boolean;
}

/** Closes what is open, then does something that may move the focus: while a dialog is open nothing outside takes it. */
export function closeAnd(act: () => void): void {
  flushSync(() => layers.close());
  act();
}

/** Whether what is inside stands beside the conversation, not over it. */
export const Beside = createContext(false);

export function Dialog(props: Props) {
  return use(Beside) ? <Panel {...props} /> : <Over {...props} />;
}

/** Beside the conversation: what is there can be used meanwhile. */
function Panel({ title, children, plain }: Props) {
  const panel = useRef<HTMLElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    const node = panel.current;
    node?.querySelector<HTMLElement>("h2")?.focus();
    return () => {
      const isHere =
        node?.contains(document.activeElement) || document.activeElement === document.body;
      if (isHere && before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <aside
      ref={panel}
      data-region="details"
      data-details=""
      aria-labelledby={id}
      onKeyDown={(event) => {
        if (event.key === "Escape") layers.undock();
      }}
      className="flex min-h-0 min-w-0 flex-col border-s border-border bg-surface"
    >
      <header className="flex min-h-14 shrink-0 items-center gap-2 border-b border-border ps-5 pe-2">
        <h2
          id={id}
          tabIndex={-1}
          className="line-clamp-3 my-2 min-w-0 flex-1 text-head font-[650] wrap-anywhere outline-none"
        >
          {title}
        </h2>
        <IconButton label={t("dialog.close")} onClick={() => layers.undock()}>
          <Icon name="close" />
        </IconButton>
      </header>
      <div
        tabIndex={plain ? 0 : undefined}
        data-scroll=""
        className="thin-scroll min-h-0 flex-1 overflow-auto px-5 py-5"
      >
        {children}
      </div>
    </aside>
  );
}

/** The browser's own dialog: it keeps the focus inside, closes with Escape and gives the focus back. */
function Over(props: Props) {
  const { title, children, width = "26rem", side, plain } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before it is taken out of the page: only then the browser gives the focus back.
  useLayoutEffect(() => {
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
      data-details={side ? "" : undefined}
      onClose={() => layers.close()}
      onClick={(event) => {
        if (event.target === dialog.current) layers.close();
      }}
      className={`max-w-[calc(100vw-32px)] animate-pop flex-col overflow-hidden bg-surface p-0 shadow-float open:flex ${place}`}
      style={{ width }}
    >
      <header
        className={`flex min-h-14 shrink-0 items-center gap-2 ps-5 pe-2 ${side ? "border-b border-border" : ""}`}
      >
        <h2 id={id} className="line-clamp-3 my-2 min-w-0 flex-1 text-head font-[650] wrap-anywhere">
          {title}
        </h2>
        <IconButton label={t("dialog.close")} onClick={() => layers.close()}>
          <Icon name="close" />
        </IconButton>
      </header>
      <div
        data-scroll=""
        // Rings around what is first in it are not cut.
        className={`thin-scroll min-h-0 flex-1 overflow-auto px-5 pb-5 ${side ? "pt-5" : "pt-1"}`}
        tabIndex={plain ? 0 : undefined}
      >
        {children}
      </div>
    </dialog>
  );
}
