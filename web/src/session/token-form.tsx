import { type FormEvent, useState } from "react";
import { t } from "../i18n";
import { Button } from "../ui/button";
import { enterWithToken } from "./session";

/** For servers whose accounts are a host application's: a token that was made there. */
export function TokenForm() {
  const [token, setToken] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void enterWithToken(token);
  };
  return (
    <form onSubmit={submit}>
      <label htmlFor="token" className="mb-1 block font-semibold">
        {t("signin.token")}
      </label>
      <textarea
        id="token"
        rows={4}
        required
        dir="ltr"
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="none"
        className="field font-mono text-note"
        aria-describedby="token-help"
        value={token}
        onChange={(event) => setToken(event.target.value)}
      />
      <p id="token-help" className="mt-1 text-note text-text2">
        {t("signin.help")}
      </p>
      <Button kind="primary" type="submit" className="mt-4 w-full">
        {t("signin.open")}
      </Button>
    </form>
  );
}
