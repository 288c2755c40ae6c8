import { hasCode, type Peer } from "@semel/sdk";
import { useClient, useConnection } from "@semel/sdk/react";
import { useEffect, useRef, useState } from "react";
import { t } from "../i18n";
import { layers } from "../layers";
import { useProfile } from "../people/profiles";
import { useHasSynced } from "../session/connected";
import { Button } from "../ui/button";

/** Why there is nothing to show of a conversation that the device does not hold. */
export type Why =
  /** It may be there: the server is asked. */
  | "loading"
  /** Only the server knows it, and there is no connection. */
  | "away"
  /** There is no such conversation, or it is not this person's. */
  | "gone"
  /** There is nobody by that id. */
  | "nobody";

/** None: it is there, or it begins with the first message. */
export function useMissing(peer: Peer, isUnknown: boolean): Why | undefined {
  const why = useWhy(peer, isUnknown);
  const hasBegun = useRef(false);
  hasBegun.current ||= isUnknown && why === undefined;
  // Somebody may write there already: what is asked meanwhile takes the field away only by its answer.
  return hasBegun.current && why === "loading" ? undefined : why;
}

function useWhy(peer: Peer, isUnknown: boolean): Why | undefined {
  const { phase } = useConnection();
  const hasSynced = useHasSynced();
  const thread_id = "thread_id" in peer ? peer.thread_id : undefined;
  const isGone = useIsGone(isUnknown && hasSynced === "synced" ? thread_id : undefined);
  const profile = useProfile(isUnknown && "user_id" in peer ? peer.user_id : undefined);
  if (!isUnknown) return undefined;
  const isAway = hasSynced !== "not yet" && phase !== "online" && phase !== "syncing";
  if (thread_id !== undefined) return isGone ? "gone" : isAway ? "away" : "loading";
  if (profile === "nobody") return "nobody";
  // Chats begin here as well: without a connection, what is written waits.
  const isKnown = "self" in peer || profile !== undefined;
  return isAway || (hasSynced === "synced" && isKnown) ? undefined : "loading";
}

/** Asks whether a thread is there for this person; one that was made just now comes by itself. */
function useIsGone(thread_id: string | undefined): boolean {
  const client = useClient();
  const { phase } = useConnection();
  const [gone, setGone] = useState<string>();
  useEffect(() => {
    if (thread_id === undefined || phase !== "online") return;
    client.actions.participants(thread_id).then(
      () => setGone(undefined),
      (error: unknown) => {
        const isRefused = (["not_found", "forbidden", "invalid_request"] as const).some((code) =>
          hasCode(error, code),
        );
        if (isRefused) setGone(thread_id);
      },
    );
  }, [client, thread_id, phase]);
  return thread_id !== undefined && gone === thread_id;
}

export function Missing({ what, peer }: { readonly what: Why; readonly peer: Peer }) {
  if (what === "loading") {
    return (
      <p
        role="status"
        data-missing={what}
        // Most are there before anybody could read it.
        className="m-auto animate-[pop_180ms_150ms_both] p-8 text-text2"
      >
        {t("timeline.loading")}
      </p>
    );
  }
  const id = "user_id" in peer ? peer.user_id : "";
  return (
    <div className="m-auto p-8 text-center text-text2" data-missing={what}>
      <p role="status" className="mb-3 wrap-anywhere">
        {what === "away" && t("timeline.notHere")}
        {what === "gone" && t("error.notFound")}
        {what === "nobody" && t("error.nobodyHere", { id })}
      </p>
      {what !== "away" && (
        <Button
          kind="quiet"
          onClick={() => layers.open({ type: what === "nobody" ? "new" : "palette" })}
        >
          {t(what === "nobody" ? "chats.new" : "palette.title")}
        </Button>
      )}
    </div>
  );
}
