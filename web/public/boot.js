// Before the first paint: the colours and the direction that were chosen on this device. The strict policy of the page
// allows no script inside the HTML, so this is a file of its own. `src/look.ts` writes what is read here.
(() => {
  const page = document.documentElement;
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem("semel:look") ?? "{}");
  } catch {
    // Nothing was chosen, or the browser keeps nothing: the system's colours, English.
  }
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  page.dataset.theme = kept.theme === "light" || kept.theme === "dark" ? kept.theme : system;
  if (kept.language === "ar") {
    page.lang = "ar";
    page.dir = "rtl";
  }
})();
