import { Component, type ReactNode } from "react";
import { t } from "../i18n";
import { Button } from "./button";
import { Icon } from "./icons";

/** What breaks in one place stays there. */
export class ErrorBoundary extends Component<
  { readonly children: ReactNode },
  { readonly error: Error | undefined }
> {
  override state: { readonly error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <div role="alert" className="m-auto max-w-md p-8 text-center">
        <Icon name="warn" className="mx-auto mb-2 size-8 text-danger" />
        <p className="font-semibold">{t("error.page")}</p>
        <p className="mb-3 text-note break-words text-text2">{error.message}</p>
        <Button kind="primary" onClick={() => location.reload()}>
          {t("error.reload")}
        </Button>
      </div>
    );
  }
}
