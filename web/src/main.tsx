import "./styles.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { speak } from "./i18n";
import { look } from "./look";
import { resume } from "./session/session";
import { registerWorker } from "./worker";

const root = document.getElementById("root");
if (root !== null) {
  const draw = () =>
    createRoot(root).render(
      <StrictMode>
        <App />
      </StrictMode>,
    );
  // A language that does not come (no network, nothing kept) is no reason to show nothing.
  speak(look.get().language)
    .catch(() => undefined)
    .finally(draw);
  resume().catch(() => undefined);
  registerWorker();
}
