// Pictures of our own on a grid of 24, lines of 1.75.

import type { SVGProps } from "react";

const paths = {
  chats: "M21 12a8 8 0 0 1-8 8H4l2-3a8 8 0 1 1 15-5z",
  people:
    "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 20c0-3.500 3-5.500 6.500-5.500s6.500 2 6.500 5.500M16 4.300a3.500 3.500 0 0 1 0 6.400M18 15c2 .8 3.500 2.500 3.500 5",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20c0-3.500 3-6 7-6s7 2.500 7 6",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
  plus: "M12 5v14M5 12h14",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  send: "M12 19V5M6 11l6-6 6 6",
  check: "M5 12.500l5 5L19.500 7",
  smile:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.500 14.500s1.200 2 3.500 2 3.500-2 3.500-2M9 9.500v.5M15 9.500v.5",
  reply: "M10 7L5 12l5 5M5 12h9a5 5 0 0 1 5 5v1",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  down: "M12 5v14M6 13l6 6 6-6",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8v.01",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4",
  offline:
    "M3 3l18 18M8.500 16a5 5 0 0 1 7 0M5 12.500a10 10 0 0 1 4-2.300M19 12.500a10 10 0 0 0-5-2.500M12 20h.01",
  note: "M6 3h9l4 4v14H6zM14 3v5h5M9 13h7M9 17h5",
  shield: "M12 3l7 3v5c0 4.500-3 8-7 10-4-2-7-5.500-7-10V6zM9 12l2 2 4-4",
  ban: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.600 5.600l12.800 12.800",
  link: "M10 14a4 4 0 0 0 5.700 0l3-3a4 4 0 0 0-5.700-5.700l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1",
  share: "M12 15V3M7.500 7L12 3l4.500 4M6 11H5v10h14V11h-1",
  flag: "M5 21V4h11l-2 4 2 4H5",
  muted: "M6 16V11a6 6 0 0 1 2-4.500M11 5a6 6 0 0 1 7 6v4l2 2H4l2-1M10 20a2 2 0 0 0 4 0M3 3l18 18",
  warn: "M12 4L2.500 20h19zM12 10v5M12 17.500v.01",
} as const;

export type IconName = keyof typeof paths;

export function Icon({
  name,
  className = "size-5",
  ...rest
}: SVGProps<SVGSVGElement> & { readonly name: IconName }) {
  return (
    <svg
      viewBox="0 0 24 24"
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === "more" ? 3 : 1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
      className={`${className} shrink-0 ${name === "back" || name === "reply" ? "rtl:-scale-x-100" : ""}`}
      {...rest}
    >
      <path d={paths[name]} />
    </svg>
  );
}

export function Logo({ className = "" }: { readonly className?: string }) {
  return <img src="/icon.svg" alt="" className={className} />;
}
