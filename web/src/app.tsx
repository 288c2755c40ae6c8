import { ClientProvider, useThreads } from "@semel/sdk/react";
import { type CSSProperties, lazy, type MouseEvent, Suspense, useEffect } from "react";
import { Route, Switch, useLocation } from "wouter";
import { ChatList } from "./chats/list";
import { Conversation } from "./conversation/conversation";
import { type Key, t } from "./i18n";
import { focusRegion, useShortcuts } from "./keys";
import { layers, useDocked, useLayer } from "./layers";
import { operatorPageOf, peerOf, type Section, sectionOf } from "./lib/routes";
import { ListEdge } from "./list-edge";
import { useLook } from "./look";
import { useNotices } from "./notices";
import { People } from "./people/people";
import { Rail, Tabs } from "./sections";
import { useMe } from "./session/me";
import { OperatorNotice } from "./session/operator";
import { useFollowOperatorRight } from "./session/operator-right";
import { leaveForSignIn, useSession } from "./session/session";
import { Strip } from "./strip";
import { Button } from "./ui/button";
import { ErrorBoundary } from "./ui/error-boundary";
import { Icon, Logo } from "./ui/icons";
import { UpdateNotice } from "./update-notice";

const Layers = lazy(() => import("./overlays"));
const Docked = lazy(() => import("./overlays/docked"));
const SignIn = lazy(() => import("./session/sign-in"));
const Suspended = lazy(() => import("./session/suspended"));
const SwitchAccount = lazy(() => import("./session/switch"));
const Join = lazy(() => import("./join/join"));
const OperatorArea = lazy(() => import("./operator/area"));
const OperatorPage = lazy(() => import("./operator/pages"));
const Settings = lazy(() => import("./settings/settings"));

export function App() {
  const session = useSession();
  // Words and dates depend on it.
  const { language } = useLook();
  if (session.phase === "opening") return null;
  if (session.phase === "asking") {
    return (
      <Suspense>
        <SwitchAccount key={language} {...session} />
      </Suspense>
    );
  }
  if (session.phase === "out") {
    return (
      <Suspense>
        <SignIn key={language} reason={session.reason} />
      </Suspense>
    );
  }
  return (
    <ErrorBoundary>
      <ClientProvider key={session.client.userId} client={session.client}>
        {session.isSuspended ? (
          <Suspense>
            <Suspended key={language} />
          </Suspense>
        ) : (
          <Shell key={language} isOver={session.isOver} />
        )}
        <Layer />
      </ClientProvider>
    </ErrorBoundary>
  );
}

/** What the column of lists has. */
const listNames = {
  chats: "chats.label",
  conversation: "chats.label",
  join: "chats.label",
  people: "people.title",
  settings: "settings.title",
  operator: "operator.pages",
} as const;

/** What the other column has, where that is no conversation. */
const mainNames: Partial<Record<Section, Key>> = {
  operator: "operator.title",
  join: "join.title",
};

function Shell({ isOver }: { readonly isOver: boolean }) {
  const [path] = useLocation();
  const section = sectionOf(path);
  const { listWidth } = useLook();
  const docked = useDocked();
  // Details are those of the conversation beside them.
  // biome-ignore lint/correctness/useExhaustiveDependencies: they go when another one is opened.
  useEffect(() => () => layers.undock(), [path]);
  useShortcuts();
  useNotices();
  useTitle();
  useFollowOperatorRight();
  // Also for the name: it is kept for whoever is asked which account they want.
  useMe();
  // On narrow screens either the list or what was chosen from it is there.
  const isChosen =
    section === "conversation" || section === "join" || operatorPageOf(path) !== undefined;
  return (
    <main className="flex h-full flex-col">
      <SkipLink hasComposer={section === "conversation"} />
      {isOver && <SignInAgain />}
      <OperatorNotice />
      <UpdateNotice />
      <Strip />
      <div
        className="grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)] grid-rows-[minmax(0,1fr)] sm:grid-cols-[18.75rem_minmax(0,1fr)] lg:grid-cols-[4rem_var(--list)_minmax(0,1fr)] data-beside:lg:grid-cols-[4rem_var(--list)_minmax(0,1fr)_21.25rem]"
        data-beside={docked === undefined ? undefined : ""}
        style={{ "--list": `${listWidth / 16}rem` } as CSSProperties}
      >
        <Rail />
        <section
          data-region="list"
          aria-label={t(listNames[section])}
          className={`relative min-h-0 min-w-0 flex-col border-e border-border bg-surface ${isChosen ? "hidden sm:flex" : "flex"}`}
        >
          <Switch>
            <Route path="/people">
              <People />
            </Route>
            <Route path="/settings">
              <Suspense>
                <Settings />
              </Suspense>
            </Route>
            <Route path="/operator/*?">
              <Suspense>
                <OperatorArea />
              </Suspense>
            </Route>
            <Route>
              <ChatList />
            </Route>
          </Switch>
          <Tabs />
          <ListEdge />
        </section>
        <section
          aria-label={t(mainNames[section] ?? "timeline.label")}
          data-region="conversation"
          className={`min-h-0 min-w-0 flex-col bg-canvas ${isChosen ? "flex" : "hidden sm:flex"}`}
        >
          <ErrorBoundary key={path}>
            <Main path={path} />
          </ErrorBoundary>
        </section>
        {docked !== undefined && (
          <Suspense>
            <Docked layer={docked} />
          </Suspense>
        )}
      </div>
    </main>
  );
}

/** What lies over the page. */
function Layer() {
  const layer = useLayer();
  if (layer === undefined) return null;
  return (
    <Suspense>
      <Layers layer={layer} />
    </Suspense>
  );
}

function Main({ path }: { readonly path: string }) {
  const peer = peerOf(path);
  if (peer !== undefined) return <Conversation key={path} peer={peer} />;
  if (sectionOf(path) === "join") {
    return (
      <Suspense>
        <Join />
      </Suspense>
    );
  }
  if (sectionOf(path) === "operator") {
    // On wide screens the first one is there before any was chosen.
    const page = operatorPageOf(path) ?? "people";
    return (
      <Suspense>
        <OperatorPage name={page} />
      </Suspense>
    );
  }
  return (
    <div className="grid flex-1 place-items-center p-8 text-center text-text2">
      <div>
        <Logo className="mx-auto mb-4 size-16 opacity-80" />
        <p className="mb-3">{t("chats.choose")}</p>
        <Button kind="quiet" onClick={() => layers.open({ type: "new" })}>
          <Icon name="plus" />
          {t("chats.new")}
        </Button>
      </div>
    </div>
  );
}

/** The first thing that Tab leads to. */
function SkipLink({ hasComposer }: { readonly hasComposer: boolean }) {
  const skip = (event: MouseEvent) => {
    // The address stays what it is.
    event.preventDefault();
    if (hasComposer) focusRegion("composer") || focusRegion("timeline");
    else focusRegion("list");
  };
  return (
    <a
      href={hasComposer ? "#words" : "#list"}
      onClick={skip}
      className="unseen focus:!static focus:!m-1 focus:!h-auto focus:!w-fit focus:!px-2 focus:![clip-path:none]"
    >
      {t(hasComposer ? "skip.composer" : "skip.list")}
    </a>
  );
}

function SignInAgain() {
  return (
    <div
      role="alert"
      className="flex flex-wrap items-center gap-3 bg-danger-bg px-4 py-1 text-danger"
    >
      <Icon name="warn" />
      <p className="flex-1 text-note">{t("signin.ended")}</p>
      <Button kind="danger" onClick={() => void leaveForSignIn()}>
        {t("signin.again")}
      </Button>
    </div>
  );
}

function useTitle() {
  const unread = useThreads().filter((item) => item.unreadCount > 0).length;
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Semel` : "Semel";
  }, [unread]);
}
