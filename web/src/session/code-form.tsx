import { type FormEvent, useEffect, useState } from "react";
import { t } from "../i18n";
import { Button } from "../ui/button";
import { enterWithCode, signIn } from "./session";
import type { Sent } from "./where-form";
import { wordsOfSignIn } from "./words";

/** Seconds until another code may be asked for. */
const AGAIN_AFTER = 30;

/** The code that came. It may be pasted, and phones fill it in. */
export function CodeForm({ sent, leave }: { readonly sent: Sent; readonly leave: () => void }) {
  const [challenge, setChallenge] = useState(sent.challenge_id);
  const [code, setCode] = useState("");
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [wait, setWait] = useCountdown();
  const run = async (work: () => Promise<void>) => {
    if (isBusy) return;
    setBusy(true);
    setError("");
    await work().catch((problem: unknown) => setError(wordsOfSignIn(problem)));
    setBusy(false);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run(() => enterWithCode(challenge, code.replaceAll(/\s/gu, "")));
  };
  const again = () =>
    run(async () => {
      const { challenge_id } = await signIn.sendCode(sent.kind, sent.to);
      setChallenge(challenge_id);
      setCode("");
      setWait(AGAIN_AFTER);
    });
  return (
    <form onSubmit={submit}>
      <p className="mb-4 text-text2">
        {t("signin.codeSent")} <bdi className="font-semibold text-text">{sent.to}</bdi>{" "}
        <button
          type="button"
          className="min-h-6 font-semibold text-accent-text underline"
          onClick={leave}
        >
          {t("signin.change")}
        </button>
      </p>
      <label htmlFor="code" className="mb-1 block font-semibold">
        {t("signin.code")}
      </label>
      <input
        id="code"
        // biome-ignore lint/a11y/noAutofocus: it is the one thing to do after asking for it.
        autoFocus
        required
        dir="ltr"
        inputMode="numeric"
        autoComplete="one-time-code"
        className="field text-center font-mono text-title tracking-[0.3em]"
        aria-describedby="code-error"
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      <p id="code-error" role="alert" className="mt-2 text-note text-danger">
        {error}
      </p>
      <Button kind="primary" type="submit" className="mt-2 w-full" disabled={isBusy}>
        {t("signin.enter")}
      </Button>
      <Button
        kind="quiet"
        className="mt-2 w-full"
        disabled={isBusy || wait > 0}
        onClick={() => void again()}
      >
        {wait > 0 ? t("signin.againIn", { seconds: wait }) : t("signin.codeAgain")}
      </Button>
    </form>
  );
}

function useCountdown() {
  const [left, setLeft] = useState(AGAIN_AFTER);
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1_000);
    return () => clearTimeout(timer);
  }, [left]);
  return [left, setLeft] as const;
}
