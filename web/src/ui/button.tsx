import type { ComponentProps, ReactNode } from "react";

const kinds = {
  primary: "bg-accent text-on-accent font-semibold px-4 hover:brightness-110",
  quiet: "text-accent-text font-semibold px-3 hover:bg-hover",
  danger: "text-danger font-semibold px-3 hover:bg-danger-bg",
  icon: "size-10 shrink-0 text-text2 hover:bg-hover",
} as const;

export function Button({
  kind,
  className = "",
  type = "button",
  ...rest
}: ComponentProps<"button"> & { readonly kind: keyof typeof kinds }) {
  const shape =
    "inline-flex min-h-10 items-center justify-center gap-2 rounded-[12px] transition duration-[120ms]";
  return <button type={type} className={`${shape} ${kinds[kind]} ${className}`} {...rest} />;
}

/** A picture as a button: its label is heard, and shown when the pointer rests. */
export function IconButton({
  label,
  children,
  ...rest
}: ComponentProps<"button"> & {
  readonly label: string;
  readonly children: ReactNode;
}) {
  return (
    <Button kind="icon" aria-label={label} title={label} {...rest}>
      {children}
    </Button>
  );
}
