import { usePresence } from "@semel/sdk/react";
import { colourOf, initialsOf } from "../lib/names";

const sizes = {
  large: "size-16 text-[1.375rem]",
  normal: "size-11 text-[0.9375rem]",
  head: "size-9 text-[0.8125rem]",
  small: "size-8 text-[0.75rem]",
} as const;

/** Initials on a colour of the person's own; decoration, since the name is beside it. */
export function Avatar(props: {
  readonly id: string;
  readonly name: string;
  readonly size?: keyof typeof sizes;
  /** The person whose presence is shown. */
  readonly presenceOf?: string | undefined;
}) {
  const { id, name, size = "normal", presenceOf } = props;
  return (
    <span
      aria-hidden="true"
      className={`relative grid shrink-0 place-items-center rounded-full font-semibold text-white select-none ${sizes[size]}`}
      style={{ backgroundColor: colourOf(id) }}
    >
      {initialsOf(name)}
      {presenceOf !== undefined && <Dot userId={presenceOf} />}
    </span>
  );
}

function Dot({ userId }: { readonly userId: string }) {
  if (!usePresence(userId)?.online) return null;
  return (
    <span className="absolute -end-px -bottom-px size-3.5 rounded-full border-2 border-surface bg-online" />
  );
}
