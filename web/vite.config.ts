import { readFileSync } from "node:fs";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** The server that `npm run dev` asks; `make dev` starts one. */
const server = process.env["SEMEL_URL"] ?? "http://127.0.0.1:8080";

/** What the server says of its pages, so that `npm run preview` is held to it as well. */
const source = readFileSync(new URL("../crates/server/src/web/mod.rs", import.meta.url), "utf8");
const policy = (/CONTENT_SECURITY_POLICY: &str = "([^"]+)"/.exec(source)?.[1] ?? "").replaceAll(
  /\\\n\s*/g,
  "",
);
// The browser's own host, or the server would take its page for one of somebody else.
const target = { target: server, changeOrigin: false };
const proxy = { "/api": target, "/socket.io": { ...target, ws: true } };

export default defineConfig({
  plugins: [react(), tailwindcss()],
  // The SDK is a package beside this one and would bring its own React.
  resolve: { dedupe: ["react", "react-dom"] },
  build: {
    target: "es2022",
    // `build.rs` of the server makes what is there part of the program.
    outDir: "../crates/server/web-dist",
    emptyOutDir: false,
    modulePreload: { polyfill: false },
    // The policy allows no `data:` address.
    assetsInlineLimit: 0,
  },
  server: { host: "127.0.0.1", proxy },
  preview: { host: "127.0.0.1", proxy, headers: { "content-security-policy": policy } },
  test: { include: ["test/**/*.test.ts"] },
});
