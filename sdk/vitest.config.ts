import { defineConfig } from "vitest/config";

// What runs in Node: without and with the real server. The browser has a config of its own.
export default defineConfig({
  resolve: { alias: { "@semel/sdk": new URL("./src/index.ts", import.meta.url).pathname } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/browser/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
