import type { ComponentProps, ReactNode } from "react";
import { Icon } from "./icons";

/** What is there once its title is pressed. */
export function Fold({
  title,
  children,
  ...rest
}: Omit<ComponentProps<"details">, "title"> & {
  readonly title: string;
  readonly children: ReactNode;
}) {
  return (
    <details {...rest} className="group/fold">
      <summary className="-mx-3 flex min-h-10 items-center gap-2 rounded-[12px] px-3 font-semibold text-accent-text hover:bg-hover">
        <Icon
          name="back"
          className="size-4 rotate-180 group-open/fold:-rotate-90 rtl:group-open/fold:rotate-90"
        />
        {title}
      </summary>
      <div className="pt-1 pb-3">{children}</div>
    </details>
  );
}
