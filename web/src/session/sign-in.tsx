import type { SignInMethods } from "@semel/sdk";
import { type ReactNode, useEffect, useState } from "react";
import { type Language, languages, speak, t } from "../i18n";
import { look } from "../look";
import { Button } from "../ui/button";
import { Icon, Logo } from "../ui/icons";
import { CodeForm } from "./code-form";
import { hasInvite } from "./invite";
import { wantsToBeOperator } from "./operator";
import { goToProvider, type Reason, signIn } from "./session";
import { TokenForm } from "./token-form";
import { type Sent, WhereForm } from "./where-form";
import { wordsOfSignIn } from "./words";

type Step =
  | { readonly type: "ways" }
  | { readonly type: "token" }
  | ({ readonly type: "code" } & Sent);

/** One column: phone first, then the rest of what the server offers. */
export default function SignIn({ reason }: { readonly reason: Reason | undefined }) {
  const [methods, error, ask] = useMethods();
  const [step, setStep] = useState<Step>({ type: reason === "notToken" ? "token" : "ways" });
  const hasOwn =
    methods !== undefined && (methods.phone || methods.email || methods.providers.length > 0);
  const isToken = step.type === "token" || (methods !== undefined && !hasOwn);
  return (
    <Frame>
      {reason !== undefined && step.type !== "code" && (
        <p
          role="alert"
          className="mb-4 rounded-[10px] bg-danger-bg px-3 py-2 text-note text-danger"
        >
          {t(`signin.${reason}`)}
        </p>
      )}
      {wantsToBeOperator() && (
        <p className="mb-4 rounded-[10px] bg-ok-bg px-3 py-2 text-note text-ok">
          {t("operator.signIn")}
        </p>
      )}
      {hasInvite() && (
        <p className="mb-4 rounded-[10px] bg-ok-bg px-3 py-2 text-note text-ok">
          {t("join.signIn")}
        </p>
      )}
      {isToken ? (
        <TokenForm />
      ) : step.type === "code" ? (
        <CodeForm sent={step} leave={() => setStep({ type: "ways" })} />
      ) : methods !== undefined ? (
        <Ways methods={methods} sent={(sent) => setStep({ type: "code", ...sent })} />
      ) : (
        <Unknown error={error} ask={ask} />
      )}
      {hasOwn && step.type !== "code" && (
        <Button
          kind="quiet"
          className="mt-2 w-full text-note"
          onClick={() => setStep({ type: isToken ? "ways" : "token" })}
        >
          {t(isToken ? "signin.useOther" : "signin.useToken")}
        </Button>
      )}
    </Frame>
  );
}

function Frame({ children }: { readonly children: ReactNode }) {
  const { language } = look.get();
  return (
    <main className="flex h-full flex-col items-center overflow-auto p-4">
      <div className="my-auto w-full max-w-[400px] rounded-[16px] border border-border bg-surface p-6 sm:p-8">
        <Logo className="mb-4 size-12" />
        <h1 className="text-title font-[650] tracking-tight">Semel</h1>
        <p className="mb-6 text-text2">{t("app.tagline")}</p>
        {children}
      </div>
      <label className="mt-4 flex items-center gap-2 text-note text-text2">
        <span className="unseen">{t("settings.language")}</span>
        <select
          className="min-h-10 rounded-[10px] bg-transparent px-2"
          value={language}
          onChange={(event) => void speak(event.target.value as Language)}
        >
          {Object.entries(languages).map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </main>
  );
}

function useMethods() {
  const [methods, setMethods] = useState<SignInMethods>();
  const [error, setError] = useState<unknown>();
  const [tries, setTries] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another try asks again.
  useEffect(() => {
    let isOver = false;
    signIn.methods().then(
      (found) => isOver || setMethods(found),
      (problem: unknown) => isOver || setError(problem),
    );
    return () => {
      isOver = true;
    };
  }, [tries]);
  const ask = () => {
    setError(undefined);
    setTries(tries + 1);
  };
  return [methods, error, ask] as const;
}

/** Before it is known how people sign in here, in the shape of what comes. */
function Unknown({ error, ask }: { readonly error: unknown; readonly ask: () => void }) {
  if (error === undefined) {
    return (
      <div aria-hidden="true" className="animate-[pop_180ms_150ms_both] space-y-4">
        <div className="h-16 rounded-[10px] bg-sunken" />
        <div className="h-10 rounded-[12px] bg-sunken" />
      </div>
    );
  }
  return (
    <div role="alert" className="text-note text-danger">
      <p className="mb-3">{wordsOfSignIn(error)}</p>
      <Button kind="primary" className="w-full" onClick={ask}>
        {t("error.again")}
      </Button>
    </div>
  );
}

function Ways(props: { readonly methods: SignInMethods; readonly sent: (sent: Sent) => void }) {
  const { phone, email, providers } = props.methods;
  const [kind, setKind] = useState<"phone" | "email">(phone ? "phone" : "email");
  const [error, setError] = useState("");
  const go = (name: string) =>
    goToProvider(name).catch((problem: unknown) => setError(wordsOfSignIn(problem)));
  const hasCodes = phone || email;
  return (
    <>
      {hasCodes && <WhereForm key={kind} kind={kind} sent={props.sent} />}
      {phone && email && (
        <Button
          kind="quiet"
          className="mt-2 w-full"
          onClick={() => setKind(kind === "phone" ? "email" : "phone")}
        >
          {t(kind === "phone" ? "signin.useEmail" : "signin.usePhone")}
        </Button>
      )}
      {hasCodes && providers.length > 0 && (
        <p className="my-4 flex items-center gap-3 text-note text-text2 before:h-px before:flex-1 before:bg-border after:h-px after:flex-1 after:bg-border">
          {t("signin.or")}
        </p>
      )}
      {providers.map(({ name }) => (
        <button
          key={name}
          type="button"
          onClick={() => void go(name)}
          className="mb-2 flex min-h-11 w-full items-center justify-center gap-2 rounded-[12px] border border-strong font-semibold hover:bg-hover"
        >
          <Icon name="person" />
          {t("signin.with", { name: name.charAt(0).toUpperCase() + name.slice(1) })}
        </button>
      ))}
      <p role="alert" className="text-note text-danger">
        {error}
      </p>
    </>
  );
}
