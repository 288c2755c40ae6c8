import type { Peer, Thread } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { t } from "../i18n";
import { Avatar } from "../ui/avatar";
import { otherPerson, titleOf } from "./header";
import type { Names } from "./names";

/** An empty conversation: whose it is, and a way to begin. */
export function Hello(props: {
  readonly peer: Peer;
  readonly thread: Thread | undefined;
  readonly names: Names;
}) {
  const { peer, thread, names } = props;
  const client = useClient();
  const other = otherPerson(peer, thread, client.userId);
  const title = titleOf(peer, thread, names, other);
  return (
    <div className="mx-auto mb-4 flex w-72 max-w-[calc(100%-1rem)] flex-col items-center gap-2 rounded-[14px] border border-border bg-surface p-6 text-center">
      <Avatar
        id={other ?? thread?.id ?? title}
        name={title}
        size="large"
        picture={other === undefined ? (thread?.picture ?? null) : undefined}
      />
      <p dir="auto" className="text-head font-[650]">
        {title}
      </p>
      {thread?.description && (
        <p dir="auto" className="line-clamp-4 w-full whitespace-pre-wrap wrap-anywhere">
          {thread.description}
        </p>
      )}
      <p className="text-note text-text2">
        {other === undefined ? t("timeline.helloGroup") : t("timeline.hello", { name: title })}
      </p>
      <div className="flex flex-wrap justify-center gap-2">
        {["👋", "🙂", "🎉"].map((emoji) => (
          <button
            key={emoji}
            type="button"
            onClick={() => client.send(peer, emoji)}
            className="size-11 rounded-full bg-sunken text-[1.25rem] hover:bg-hover"
          >
            {emoji}
          </button>
        ))}
      </div>
    </div>
  );
}
