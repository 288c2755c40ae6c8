// When the page that we are in wakes up.

/** Calls back when there may be a network again, or time has passed unseen. The returned function ends it. */
export function followPage(wake: () => void): () => void {
  if (typeof window === "undefined") return () => {};
  const onVisible = () => {
    if (document.visibilityState === "visible") wake();
  };
  const onShow = (event: PageTransitionEvent) => {
    if (event.persisted) wake();
  };
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", onShow);
  document.addEventListener("visibilitychange", onVisible);
  return () => {
    window.removeEventListener("online", wake);
    window.removeEventListener("pageshow", onShow);
    document.removeEventListener("visibilitychange", onVisible);
  };
}
