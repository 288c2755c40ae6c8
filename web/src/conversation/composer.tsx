import { lookUp, type Message, type Peer, type Row, type Thread } from "@semel/sdk";
import { useClient, useObservable } from "@semel/sdk/react";
import { type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { t } from "../i18n";
import { layers } from "../layers";
import { useLook } from "../look";
import { Button, IconButton } from "../ui/button";
import { Icon } from "../ui/icons";
import { wordsIn } from "./bubble";
import { useDraftWords } from "./draft";
import { Mentions, mentionAt } from "./mentions";
import type { Names } from "./names";

/** What the field is for at the moment. */
export type Mode =
  | { readonly type: "write" }
  /** An answer to the message with this id. */
  | { readonly type: "reply"; readonly id: string }
  | { readonly type: "edit"; readonly row: Row };

export function Composer(props: {
  readonly peer: Peer;
  readonly thread: Thread | undefined;
  readonly mode: Mode;
  readonly setMode: (mode: Mode) => void;
  readonly names: Names;
  readonly send: (text: string, replyTo: string | undefined) => void;
  readonly edit: (row: Row, text: string) => void;
  readonly editLast: () => void;
  readonly toEnd: () => void;
  readonly charactersMax: number;
}) {
  const { peer, thread, mode, setMode, names, charactersMax } = props;
  const client = useClient();
  const { enter } = useLook();
  const field = useRef<HTMLTextAreaElement>(null);
  const draft = useDraftWords(peer, mode, setMode);
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

  /** Out of an edit to what was there before, out of an answer to a plain message. */
  const leave = () => setMode(isEditing ? draft.mode() : { type: "write" });
  const submit = () => {
    if (tooLong > 0) return;
    // Not what was drawn last: two presses may come before the next drawing.
    const words = isEditing ? edited : draft.now();
    if (words.trim() === "") return;
    if (mode.type === "edit") {
      // The same words again are a new attempt for a message that was given up.
      const isNews = text !== mode.row.message.content || mode.row.state === "failed";
      if (isNews) props.edit(mode.row, text);
    } else {
      // Empty at once: this is what makes a second press harmless.
      draft.clear();
      props.send(words, mode.type === "reply" ? mode.id : undefined);
    }
    setMode(draft.mode());
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
      else leave();
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
      <div className="@container relative mx-auto max-w-[768px] px-2.5 sm:px-4">
        {mode.type === "edit" && <Context message={mode.row.message} end={leave} />}
        {mode.type === "reply" && thread !== undefined && (
          <Answered thread_id={thread.id} id={mode.id} names={names} end={leave} />
        )}
        {mention !== undefined && thread !== undefined && (
          <Mentions
            typed={mention.typed}
            thread={thread}
            me={client.userId}
            names={names}
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
          <span className="contents @max-[14rem]:hidden">
            <IconButton
              label={t("composer.emoji")}
              onClick={() => layers.open({ type: "emoji", chosen: (emoji) => insert(emoji) })}
            >
              <Icon name="smile" />
            </IconButton>
          </span>
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

function Answered(props: {
  readonly thread_id: string;
  readonly id: string;
  readonly names: Names;
  readonly end: () => void;
}) {
  const { thread_id, id, names, end } = props;
  const client = useClient();
  const lookup = useMemo(() => lookUp(client, thread_id, id), [client, thread_id, id]);
  const { message } = useObservable(lookup);
  const sender = message?.sender_id ?? "";
  const name = sender === client.userId ? t("message.you") : names(sender);
  return <Context message={message} name={name} end={end} />;
}

/** What is changed, or answered when there is the name of who said it. Two lines, also while it is looked up. */
function Context(props: {
  readonly message: Message | undefined;
  readonly name?: string;
  readonly end: () => void;
}) {
  const { message, name, end } = props;
  return (
    <div className="mb-2 flex items-center gap-2 rounded-e-[10px] border-s-[3px] border-accent bg-sunken ps-3">
      <div data-context="" className="min-h-11 min-w-0 flex-1 py-1 text-note">
        {message !== undefined && (
          <>
            <p className="font-semibold text-accent-text">
              {name === undefined ? t("composer.editing") : t("composer.replying", { name })}
            </p>
            <p dir="auto" className="truncate text-beside text-text2">
              {wordsIn(message)}
            </p>
          </>
        )}
      </div>
      <IconButton label={t("composer.cancel")} onClick={end}>
        <Icon name="close" />
      </IconButton>
    </div>
  );
}
