import { Link, useLocation } from "wouter";
import { t } from "../i18n";
import { Icon } from "../ui/icons";

const pages = [
  { path: "/operator/reports", name: "reports", icon: "flag" },
  { path: "/operator/people", name: "people", icon: "people" },
  { path: "/operator/log", name: "log", icon: "note" },
] as const;

/** What operators do here, in the column of lists. */
export default function OperatorArea() {
  const [now] = useLocation();
  return (
    <>
      <header className="flex h-14 shrink-0 items-center px-4">
        <h1 className="text-title font-[650] tracking-tight">{t("operator.title")}</h1>
      </header>
      <nav aria-label={t("operator.title")} className="min-h-0 flex-1 overflow-auto px-2 pb-2">
        <ul>
          {pages.map(({ path, name, icon }) => (
            <li key={name}>
              <Link
                href={path}
                aria-current={now === path ? "page" : undefined}
                className="flex min-h-16 items-center gap-3 rounded-[12px] p-2 transition-colors duration-[120ms] hover:bg-hover aria-[current]:bg-selected"
              >
                <span className="grid size-11 shrink-0 place-items-center rounded-full bg-sunken text-text2">
                  <Icon name={icon} />
                </span>
                <span className="min-w-0">
                  <span className="block font-semibold">{t(`operator.${name}`)}</span>
                  <span className="block text-note text-text2">{t(`operator.${name}Note`)}</span>
                </span>
              </Link>
            </li>
          ))}
        </ul>
      </nav>
    </>
  );
}
