import {
  type CSSProperties,
  createContext,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  use,
  useRef,
  useState,
} from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";

/** Rows that Page Up and Page Down go. */
const PAGE = 8;

const Count = createContext(0);

/**
 * A list of links of which only those near the screen are there. Tab leads to one of them: the current one, else where the
 * keys were last; arrows go on from there.
 */
export function LongList<T>(props: {
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string;
  /** The one that is open. */
  readonly current: string | undefined;
  readonly children: (item: T, tabIndex: 0 | -1) => ReactNode;
}) {
  const { items, keyOf, current, children } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const wanted = useRef<string>(undefined);
  const [focused, setFocused] = useState<string>();
  const keys = items.map(keyOf);
  const place = (key: string | undefined) => (key === undefined ? -1 : keys.indexOf(key));
  const isIn = [focused, current].find((key) => place(key) >= 0);
  const stop = Math.max(0, place(isIn));
  const kept = [...new Set([place(focused), place(current)])].filter((at) => at >= 0);
  // A row that is new cannot take the focus until it is measured.
  const focusWanted = () => {
    const [node, key] = [scroller.current, wanted.current];
    if (node === null || key === undefined) return;
    const link = node.querySelector<HTMLElement>(`[data-line="${CSS.escape(key)}"] a`);
    link?.focus();
    if (link && document.activeElement === link) wanted.current = undefined;
    else requestAnimationFrame(focusWanted);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const steps: Record<string, number> = {
      ArrowUp: -1,
      ArrowDown: 1,
      PageUp: -PAGE,
      PageDown: PAGE,
      Home: -keys.length,
      End: keys.length,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const to = Math.min(keys.length - 1, Math.max(0, stop + step));
    wanted.current = keys[to];
    setFocused(keys[to]);
    list.current?.scrollToIndex(to, { align: "nearest" });
    focusWanted();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the links in it have the focus.
    <div
      ref={scroller}
      onKeyDown={onKeyDown}
      onFocus={(event) => {
        const row = event.target.closest<HTMLElement>("[data-line]");
        if (row !== null) setFocused(row.dataset["line"]);
      }}
      className="@container thin-scroll min-h-0 flex-1 overflow-auto px-2 pb-2"
    >
      <Count value={items.length}>
        <Virtualizer
          ref={list}
          as="ul"
          item={Line}
          scrollRef={scroller}
          bufferSize={400}
          keepMounted={kept}
        >
          {items.map((item, at) => (
            <div key={keys[at]} data-line={keys[at]}>
              {children(item, at === stop ? 0 : -1)}
            </div>
          ))}
        </Virtualizer>
      </Count>
    </div>
  );
}

/** Who hears the page is told how long the list is, though most of it is not there. */
function Line(props: {
  readonly style: CSSProperties;
  readonly index: number;
  readonly children: ReactNode;
  readonly ref?: Ref<HTMLLIElement>;
}) {
  const { style, index, children, ref } = props;
  return (
    <li ref={ref} style={style} aria-setsize={use(Count)} aria-posinset={index + 1}>
      {children}
    </li>
  );
}
