import { usePresence } from "@semel/sdk/react";
import { useState } from "react";
import { colourOf, initialsOf } from "../lib/names";
import { usePicture } from "./faces";

const sizes = {
  large: "size-16 text-[1.375rem]",
  normal: "size-11 text-[0.9375rem]",
  head: "size-9 text-[0.8125rem]",
  small: "size-8 text-[0.75rem]",
} as const;

/** What was fetched once: it is there at once wherever it is shown next. */
const fetched = new Set<string>();

interface Props {
  readonly id: string;
  readonly name: string;
  readonly size?: keyof typeof sizes;
  /** The person whose presence is shown. */
  readonly presenceOf?: string | undefined;
}

/** Of a group, or of the person with this id where no picture is given. */
export function Avatar({
  picture,
  ...rest
}: Props & { readonly picture?: string | null | undefined }) {
  return picture === undefined ? <OfPerson {...rest} /> : <Portrait {...rest} picture={picture} />;
}

function OfPerson(props: Props) {
  return <Portrait {...props} picture={usePicture(props.id) ?? null} />;
}

/**
 * Somebody's picture, or initials on a colour of the person's own: also until the picture is there, and where it cannot be
 * had. Decoration, since the name is beside it.
 */
function Portrait(props: Props & { readonly picture: string | null }) {
  const { id, name, size = "normal", presenceOf, picture } = props;
  return (
    <span
      aria-hidden="true"
      className={`relative grid shrink-0 place-items-center rounded-full font-semibold text-white select-none ${sizes[size]}`}
      style={{ backgroundColor: colourOf(id) }}
    >
      {initialsOf(name)}
      {isHere(picture) && <Face key={picture} address={picture} />}
      {presenceOf !== undefined && <Dot userId={presenceOf} />}
    </span>
  );
}

/** The policy of the page lets it show what the server has, and nothing from elsewhere. */
function isHere(picture: string | null): picture is string {
  return picture?.startsWith("/api/pictures/") ?? false;
}

function Face({ address }: { readonly address: string }) {
  const [state, setState] = useState<"coming" | "here" | "gone">(
    fetched.has(address) ? "here" : "coming",
  );
  if (state === "gone") return null;
  return (
    <img
      src={address}
      alt=""
      draggable={false}
      decoding={state === "here" ? "sync" : "async"}
      data-face={state}
      onLoad={() => {
        fetched.add(address);
        setState("here");
      }}
      onError={() => setState("gone")}
      // What can be seen through has something behind it that is not the initials.
      className={`absolute inset-0 size-full rounded-full bg-surface object-cover ${state === "here" ? "" : "opacity-0"}`}
    />
  );
}

function Dot({ userId }: { readonly userId: string }) {
  if (!usePresence(userId)?.online) return null;
  return (
    <span className="absolute -end-px -bottom-px size-3.5 rounded-full border-2 border-surface bg-online" />
  );
}
