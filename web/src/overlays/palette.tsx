import type { Message } from "@semel/sdk";
import { useClient, useContacts, useThreads } from "@semel/sdk/react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useNames } from "../conversation/names";
import { locale, t } from "../i18n";
import { layers } from "../layers";
import { shortDate } from "../lib/dates";
import { pathOfItem, pathOfUser } from "../lib/routes";
import { matches, wordsFor } from "../lib/search";
import { isDark, look } from "../look";
import { useTitles } from "../people/titles";
import { searchedFor } from "../searched";
import { closeAnd, Dialog } from "../ui/dialog";

/** Lines of a section. */
const SHOWN_MAX = 8;
/** Milliseconds after the last key until messages are looked through. */
const SEARCH_AFTER = 120;

interface Line {
  readonly key: string;
  readonly section: "chats" | "people" | "messages" | "commands";
  readonly label: string;
  readonly note: string;
  readonly run: () => void;
}

/** Search and jump, from what this device holds. With a thread: the messages of that one. */
export function Palette({ threadId }: { readonly threadId: string | undefined }) {
  const [typed, setTyped] = useState("");
  const [place, setPlace] = useState(0);
  const found = useFound(typed, threadId);
  const lines = useLines(typed, threadId, found);
  const list = useRef<HTMLDivElement>(null);
  const chosen = Math.min(place, lines.length - 1);
  const run = (line: Line | undefined) => {
    if (line === undefined) return;
    closeAnd(line.run);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown") setPlace((chosen + 1) % Math.max(1, lines.length));
    else if (event.key === "ArrowUp")
      setPlace((chosen + lines.length - 1) % Math.max(1, lines.length));
    else if (event.key === "Enter") run(lines[chosen]);
    else return;
    event.preventDefault();
  };
  useEffect(() => {
    list.current?.querySelector(`#found-${chosen}`)?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const title = t(threadId === undefined ? "palette.title" : "details.search");
  return (
    <Dialog title={title} width="34rem">
      <input
        data-first=""
        role="combobox"
        aria-label={title}
        aria-expanded={lines.length > 0}
        aria-controls="found"
        aria-activedescendant={chosen >= 0 ? `found-${chosen}` : undefined}
        autoComplete="off"
        className="field"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setPlace(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div
        ref={list}
        id="found"
        role="listbox"
        aria-label={title}
        tabIndex={-1}
        className={lines.length > 0 ? "mt-2 min-h-40" : ""}
      >
        {lines.map((line, index) => (
          <div key={line.key} role="presentation">
            {lines[index - 1]?.section !== line.section && (
              <p role="presentation" className="px-2 pt-3 pb-1 text-tiny font-semibold text-text2">
                {t(`palette.${line.section}`)}
              </p>
            )}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the field has the focus and the keys. */}
            <div
              id={`found-${index}`}
              role="option"
              aria-selected={index === chosen}
              onClick={() => run(line)}
              className="flex min-h-11 items-center gap-3 rounded-[10px] px-2 hover:bg-hover aria-selected:bg-selected"
            >
              <bdi className="min-w-0 flex-1 truncate text-beside">{line.label}</bdi>
              <bdi className="max-w-[40%] truncate text-note text-text2">{line.note}</bdi>
            </div>
          </div>
        ))}
      </div>
      {lines.length === 0 && typed.trim() !== "" && (
        <p role="status" className="mt-2 min-h-40 p-2 text-text2">
          {t("palette.none")}
        </p>
      )}
    </Dialog>
  );
}

function useFound(typed: string, threadId: string | undefined): readonly Message[] {
  const client = useClient();
  const [found, setFound] = useState<readonly Message[]>([]);
  useEffect(() => {
    const ended = new AbortController();
    const timer = setTimeout(() => {
      const where = threadId === undefined ? {} : { thread_id: threadId };
      const limit = threadId === undefined ? SHOWN_MAX : 50;
      client
        .search(typed, { ...where, limit, signal: ended.signal })
        .then((messages) => {
          if (!ended.signal.aborted) setFound(messages);
        })
        .catch(() => undefined);
    }, SEARCH_AFTER);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [client, typed, threadId]);
  return found;
}

function useLines(
  typed: string,
  threadId: string | undefined,
  found: readonly Message[],
): readonly Line[] {
  const { userId, markRead } = useBound();
  const threads = useThreads();
  const contacts = useContacts();
  const titleOf = useTitles();
  const names = useNames();
  const [, go] = useLocation();
  const byThread = new Map(threads.map((item) => [item.thread?.id, item]));
  const messages = found.map((message): Line => {
    const item = byThread.get(message.thread_id);
    const when = shortDate(message.created_at, new Date(), locale(), t("day.yesterday"));
    return {
      key: message.id,
      section: "messages",
      label: message.content,
      note: `${threadId === undefined ? `${item === undefined ? "" : titleOf(item)} · ` : ""}${when}`,
      run: () => {
        searchedFor.set(message);
        if (item !== undefined) go(pathOfItem(item, userId));
      },
    };
  });
  if (threadId !== undefined) return messages;
  const chats = threads
    .filter((item) => matches(typed, [titleOf(item), item.title]))
    .slice(0, SHOWN_MAX)
    .map((item): Line => {
      const to = pathOfItem(item, userId);
      const label = titleOf(item);
      const note = item.unreadCount > 0 ? t("chats.unread", { count: item.unreadCount }) : "";
      return { key: item.key, section: "chats", label, note, run: () => go(to) };
    });
  const people = contacts
    .filter(({ user }) => typed !== "" && matches(typed, wordsFor(user, names)))
    .slice(0, SHOWN_MAX)
    .map(
      ({ user }): Line => ({
        key: `user ${user.user_id}`,
        section: "people",
        label: names(user.user_id),
        note: user.handle ? `@${user.handle}` : user.user_id,
        run: () => go(pathOfUser(user.user_id)),
      }),
    );
  const command = (label: string, note: string, run: () => void): Line => ({
    key: label,
    section: "commands",
    label,
    note,
    run,
  });
  const commands = [
    command(t("chats.new"), "", () => layers.open({ type: "new" })),
    command(t("palette.readAll"), "", () => {
      for (const { thread } of threads) {
        if (thread !== undefined) void markRead(thread.id, thread.last_seq).catch(() => undefined);
      }
    }),
    command(t("palette.theme"), "", () =>
      look.set({ ...look.get(), theme: isDark() ? "light" : "dark" }),
    ),
    command(t("keys.title"), "Ctrl /", () => layers.open({ type: "keys" })),
    command(t("settings.title"), "", () => go("/settings")),
  ].filter((line) => matches(typed, [line.label]));
  return [...chats, ...people, ...messages, ...commands];
}

function useBound() {
  const client = useClient();
  return { userId: client.userId, markRead: client.markRead.bind(client) };
}
