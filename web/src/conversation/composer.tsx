import type { Message, Peer, Row, Thread } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { t } from "../i18n";
import { layers } from "../layers";
import { useLook } from "../look";
import { Button, IconButton } from "../ui/button";
import { Icon } from "../ui/icons";
import { Mentions, mentionAt } from "./mentions";
import type { Names } from "./names";

/** What the field is for at the moment. */
export type Mode =
  | { readonly type: "write" }
  | { readonly type: "reply"; readonly to: Message }
  | { readonly type: "edit"; readonly row: Row };

/** Milliseconds after the last key until a draft is kept. */
const KEEP_AFTER = 250;

export function Composer(props: {
  readonly peer: Peer;
  readonly thread: Thread | undefined;
  readonly mode: Mode;
  readonly setMode: (mode: Mode) => void;
  readonly names: Names;
  readonly send: (text: string, replyTo: Message | undefined) => void;
  readonly edit: (row: Row, text: string) => void;
  readonly editLast: () => void;
  readonly toEnd: () => void;
  readonly charactersMax: number;
}) {
  const { peer, thread, mode, setMode, names, charactersMax } = props;
  const client = useClient();
  const { enter } = useLook();
  const field = useRef<HTMLTextAreaElement>(null);
  const draft = useDraftWords(peer);
  const [edited, setEdited] = useState("");
  const [caret, setCaret] = useState(0);
  const isEditing = mode.type === "edit";
  const text = isEditing ? edited : draft.text;
  const setText = isEditing ? setEdited : draft.set;
  const tooLong = [...text].length - charactersMax;
  const mention = mentionAt(text, caret);

  // Words that are being changed are another text; those of the new message stay where they are.
  useEffect(() => {
    if (mode.type === "edit") setEdited(mode.row.message.content);
  }, [mode]);
  useLayoutEffect(() => {
    const area = field.current;
    if (area === null) return;
    area.style.height = "auto";
    area.style.height =
      text === "" ? "" : `${Math.min(area.scrollHeight + 2, innerHeight * 0.4)}px`;
  }, [text]);
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) field.current?.focus();
  }, []);

  const submit = () => {
    if (tooLong > 0) return;
    // Not what was drawn last: two presses may come before the next drawing.
    const words = isEditing ? edited : draft.now();
    if (words.trim() === "") return;
    if (mode.type === "edit") {
      if (text !== mode.row.message.content) props.edit(mode.row, text);
    } else {
      // Empty at once: this is what makes a second press harmless.
      draft.clear();
      props.send(words, mode.type === "reply" ? mode.to : undefined);
    }
    setMode({ type: "write" });
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // While a word is being composed (Chinese, Japanese, Korean …) Enter belongs to it; Safari says so by 229 only.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter") {
      const wants = enter === "send" ? !event.shiftKey : event.ctrlKey || event.metaKey;
      if (!wants) return;
      event.preventDefault();
      submit();
    } else if (event.key === "ArrowUp" && text === "" && mode.type === "write") {
      event.preventDefault();
      props.editLast();
    } else if (event.key === "Escape") {
      if (mode.type === "write") props.toEnd();
      else setMode({ type: "write" });
    }
  };
  const insert = (words: string, from = caret) => {
    setText(text.slice(0, from) + words + text.slice(caret));
    const to = from + words.length;
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(to, to);
      setCaret(to);
    });
  };

  return (
    <form
      data-region="composer"
      className="shrink-0 border-t border-border bg-surface pt-2 pb-[max(8px,env(safe-area-inset-bottom))]"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div className="relative mx-auto max-w-[768px] px-2.5 sm:px-4">
        {mode.type !== "write" && (
          <Context
            mode={mode}
            names={names}
            me={client.userId}
            end={() => setMode({ type: "write" })}
          />
        )}
        {mention !== undefined && thread !== undefined && (
          <Mentions
            typed={mention.typed}
            thread={thread}
            me={client.userId}
            field={field}
            choose={(name) => insert(`@${name} `, mention.from)}
          />
        )}
        <div className="flex items-end gap-1">
          <textarea
            ref={field}
            id="words"
            rows={1}
            dir="auto"
            enterKeyHint="send"
            aria-label={t("composer.label")}
            placeholder={t("composer.label")}
            aria-describedby={tooLong > 0 ? "too-long" : undefined}
            aria-invalid={tooLong > 0}
            className="thin-scroll min-h-10 min-w-0 flex-1 resize-none rounded-[20px] border border-strong bg-canvas px-4 py-2"
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setCaret(event.target.selectionStart);
              if (thread !== undefined && !isEditing) client.setTyping(thread.id);
            }}
            onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
            onKeyDown={onKeyDown}
          />
          <IconButton
            label={t("composer.emoji")}
            onClick={() => layers.open({ type: "emoji", chosen: (emoji) => insert(emoji) })}
          >
            <Icon name="smile" />
          </IconButton>
          <Button
            kind="primary"
            type="submit"
            aria-label={t(isEditing ? "composer.save" : "composer.send")}
            title={t(isEditing ? "composer.save" : "composer.send")}
            aria-disabled={text.trim() === "" || tooLong > 0}
            className="size-10 shrink-0 rounded-full !px-0"
          >
            <Icon name={isEditing ? "check" : "send"} />
          </Button>
        </div>
        {tooLong > 0 && (
          <p id="too-long" role="alert" className="pt-1 text-tiny text-danger">
            {t("composer.tooLong", { count: tooLong })}
          </p>
        )}
      </div>
    </form>
  );
}

function Context(props: {
  readonly mode: Exclude<Mode, { type: "write" }>;
  readonly names: Names;
  readonly me: string;
  readonly end: () => void;
}) {
  const { mode, names, me, end } = props;
  const message = mode.type === "edit" ? mode.row.message : mode.to;
  const name = message.sender_id === me ? t("message.you") : names(message.sender_id);
  return (
    <div className="mb-2 flex items-center gap-2 rounded-[10px] border-s-[3px] border-accent bg-sunken ps-3">
      <div className="min-w-0 flex-1 py-1 text-note">
        <p className="font-semibold text-accent-text">
          {mode.type === "edit" ? t("composer.editing") : t("composer.replying", { name })}
        </p>
        <p dir="auto" className="truncate text-start text-text2">
          {message.content}
        </p>
      </div>
      <IconButton label={t("composer.cancel")} onClick={end}>
        <Icon name="close" />
      </IconButton>
    </div>
  );
}

/** The words that were begun here: on the screen at once, kept soon after. */
function useDraftWords(peer: Peer) {
  const client = useClient();
  const [text, setState] = useState(() => client.drafts.of(peer).get()?.text ?? "");
  const kept = useRef(text);
  const latest = useRef(text);
  const timer = useRef(0);
  const target = useRef(peer);
  const keep = useRef(() => {
    clearTimeout(timer.current);
    if (kept.current === latest.current) return;
    kept.current = latest.current;
    void client.drafts.set(target.current, latest.current).catch(() => undefined);
  });
  useEffect(() => {
    const keepNow = keep.current;
    document.addEventListener("visibilitychange", keepNow);
    return () => {
      document.removeEventListener("visibilitychange", keepNow);
      keepNow();
    };
  }, []);
  const set = (words: string) => {
    latest.current = words;
    setState(words);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(keep.current, KEEP_AFTER);
  };
  const clear = () => {
    set("");
    keep.current();
  };
  return { text, now: () => latest.current, set, clear };
}
