import type { ReactNode } from "react";
import { Link } from "wouter";
import { t } from "../i18n";
import { Icon } from "../ui/icons";
import { Log } from "./log";
import { FindPerson } from "./people";
import { Reports } from "./reports";

/** One page of the operator's area. */
export default function OperatorPage({ name }: { readonly name: string }) {
  if (name === "log") {
    return (
      <Page title={t("operator.log")}>
        <Log />
      </Page>
    );
  }
  if (name === "reports") {
    return (
      <Page title={t("operator.reports")}>
        <Reports />
      </Page>
    );
  }
  return (
    <Page title={t("operator.people")}>
      <FindPerson />
    </Page>
  );
}

function Page({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <>
      <header className="flex h-14 shrink-0 items-center gap-2 border-b border-border bg-surface px-2 sm:px-6">
        <Link
          href="/operator"
          aria-label={t("operator.back")}
          className="grid size-10 place-items-center rounded-[12px] text-accent-text hover:bg-hover sm:hidden"
        >
          <Icon name="back" />
        </Link>
        <h1 className="truncate text-head font-[650]">{title}</h1>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled with keys, and may have nothing in it to stop at. */}
      <div className="thin-scroll min-h-0 flex-1 overflow-auto" tabIndex={0}>
        <div className="mx-auto w-full max-w-[768px] p-4 sm:p-6">{children}</div>
      </div>
    </>
  );
}
