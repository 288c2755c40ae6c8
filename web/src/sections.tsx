import { useThreads } from "@semel/sdk/react";
import { Link, useLocation } from "wouter";
import { t } from "./i18n";
import { sectionOf } from "./lib/routes";
import { useIsOperator } from "./session/operator-right";
import { Icon } from "./ui/icons";

const sections = [
  { path: "/", name: "chats", icon: "chats" },
  { path: "/people", name: "people", icon: "people" },
  { path: "/operator", name: "operator", icon: "shield" },
  { path: "/settings", name: "settings", icon: "settings" },
] as const;

/** Sections at the side of wide screens. */
export function Rail() {
  return (
    <nav
      data-region="rail"
      aria-label={t("sections.label")}
      className="hidden flex-col items-center gap-1 border-e border-border bg-sunken py-3 lg:flex"
    >
      <Sections className="size-12 rounded-[12px] text-meta" />
    </nav>
  );
}

/** Sections below the list on narrower screens. */
export function Tabs() {
  return (
    <nav
      aria-label={t("sections.label")}
      className="@container mt-auto flex border-t border-border pb-[env(safe-area-inset-bottom)] lg:hidden"
    >
      <Sections className="min-h-14 min-w-0 flex-1 px-1 text-tiny" />
    </nav>
  );
}

function Sections({ className }: { readonly className: string }) {
  const [path] = useLocation();
  const section = sectionOf(path);
  const unread = useThreads().some((item) => item.unreadCount > 0);
  const isOperator = useIsOperator();
  const current = section === "conversation" || section === "join" ? "chats" : section;
  const shown = sections.filter(({ name }) => name !== "operator" || isOperator);
  return shown.map(({ path: to, name, icon }) => (
    <Link
      key={name}
      href={to}
      aria-current={current === name ? "page" : undefined}
      className={`relative flex flex-col items-center justify-center gap-0.5 font-medium text-text2 transition duration-[120ms] hover:bg-hover aria-[current]:text-accent-text lg:aria-[current]:bg-selected ${className}`}
    >
      <Icon name={icon} />
      <span className="max-w-full truncate @max-[14rem]:sr-only">{t(`sections.${name}`)}</span>
      {name === "chats" && unread && current !== "chats" && (
        <span
          aria-hidden="true"
          className="absolute start-[calc(50%+0.5rem)] top-1.5 size-2 rounded-full bg-accent"
        />
      )}
    </Link>
  ));
}
