import { ClientProvider, useThreads } from "@semel/sdk/react";
import { lazy, Suspense, useEffect } from "react";
import { Route, Switch, useLocation } from "wouter";
import { ChatList } from "./chats/list";
import { Conversation } from "./conversation/conversation";
import { t } from "./i18n";
import { useShortcuts } from "./keys";
import { layers, useLayer } from "./layers";
import { peerOf, sectionOf } from "./lib/routes";
import { useLook } from "./look";
import { useNotices } from "./notices";
import { People } from "./people/people";
import { Rail, Tabs } from "./sections";
import { OperatorNotice } from "./session/operator";
import { leaveForSignIn, useSession } from "./session/session";
import { Button } from "./ui/button";
import { ErrorBoundary } from "./ui/error-boundary";
import { Icon, Logo } from "./ui/icons";

const Layers = lazy(() => import("./overlays"));
const SignIn = lazy(() => import("./session/sign-in"));
const Settings = lazy(() => import("./settings/settings"));

export function App() {
  const session = useSession();
  // Words and dates depend on it.
  const { language } = useLook();
  if (session.phase === "opening") return null;
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
        <Shell key={language} isOver={session.isOver} />
      </ClientProvider>
    </ErrorBoundary>
  );
}

function Shell({ isOver }: { readonly isOver: boolean }) {
  const [path] = useLocation();
  const section = sectionOf(path);
  const layer = useLayer();
  useShortcuts();
  useNotices();
  useTitle();
  // On narrow screens either the list or what was chosen from it is there.
  const isChosen = section === "conversation";
  return (
    <main className="flex h-full flex-col">
      <a
        href="#words"
        className="unseen focus:!static focus:!h-auto focus:!w-auto focus:![clip-path:none]"
      >
        {t("skip.composer")}
      </a>
      {isOver && <SignInAgain />}
      <OperatorNotice />
      <div className="grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)] grid-rows-[minmax(0,1fr)] sm:grid-cols-[300px_minmax(0,1fr)] lg:grid-cols-[64px_336px_minmax(0,1fr)]">
        <Rail />
        <section
          data-region="list"
          aria-label={t(section === "people" ? "people.title" : "chats.label")}
          className={`min-h-0 min-w-0 flex-col border-e border-border bg-surface ${isChosen ? "hidden sm:flex" : "flex"}`}
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
            <Route>
              <ChatList />
            </Route>
          </Switch>
          <Tabs />
        </section>
        <section
          aria-label={t("timeline.label")}
          data-region="conversation"
          className={`min-h-0 min-w-0 flex-col bg-canvas ${isChosen ? "flex" : "hidden sm:flex"}`}
        >
          <ErrorBoundary key={path}>
            <Main path={path} />
          </ErrorBoundary>
        </section>
      </div>
      {layer !== undefined && (
        <Suspense>
          <Layers layer={layer} />
        </Suspense>
      )}
    </main>
  );
}

function Main({ path }: { readonly path: string }) {
  const peer = peerOf(path);
  if (peer !== undefined) return <Conversation key={path} peer={peer} />;
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
