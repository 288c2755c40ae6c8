import { type FormEvent, useState } from "react";
import { t } from "../i18n";
import { Button } from "../ui/button";
import { signIn } from "./session";
import { wordsOfSignIn } from "./words";

/** A code is on its way. */
export interface Sent {
  readonly kind: "phone" | "email";
  readonly to: string;
  readonly challenge_id: string;
}

/** Where the code goes. */
export function WhereForm(props: {
  readonly kind: "phone" | "email";
  readonly sent: (sent: Sent) => void;
}) {
  const { kind, sent } = props;
  const [to, setTo] = useState("");
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setError("");
    try {
      const { challenge_id } = await signIn.sendCode(kind, to.trim());
      sent({ kind, to: to.trim(), challenge_id });
    } catch (problem) {
      setError(wordsOfSignIn(problem));
      setBusy(false);
    }
  };
  const isPhone = kind === "phone";
  return (
    <form onSubmit={(event) => void submit(event)}>
      <label htmlFor="where" className="mb-1 block font-semibold">
        {t(isPhone ? "signin.phone" : "signin.email")}
      </label>
      <input
        id="where"
        type={isPhone ? "tel" : "email"}
        autoComplete={isPhone ? "tel" : "email"}
        dir="ltr"
        required
        className="field"
        aria-describedby="where-help where-error"
        value={to}
        onChange={(event) => setTo(event.target.value)}
      />
      <p id="where-help" className="mt-1 text-note text-text2">
        {t(isPhone ? "signin.phoneHelp" : "signin.emailHelp")}
      </p>
      <p id="where-error" role="alert" className="mt-2 text-note text-danger">
        {error}
      </p>
      <Button kind="primary" type="submit" className="mt-2 w-full" disabled={isBusy}>
        {t("signin.send")}
      </Button>
    </form>
  );
}
