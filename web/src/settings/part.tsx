import type { ReactNode } from "react";

/** A part of the settings. */
export function Part({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ReactNode;
}) {
  return (
    <section>
      <h2 className="mb-2 text-note font-semibold text-text2">{title}</h2>
      {children}
    </section>
  );
}
