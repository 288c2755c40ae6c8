import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  timeout: 60_000,
  expect: { timeout: 15_000 },
  workers: 1,
  // What passes only the second time is a defect as well; CI names it at the end, as it does with Rust tests.
  retries: process.env["CI"] === "true" ? 1 : 0,
  forbidOnly: true,
  reporter: [["list"], ["./e2e/second-attempts.ts"]],
  use: {
    browserName: "chromium",
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: ["--no-sandbox"],
    },
    locale: "en-GB",
    timezoneId: "UTC",
    permissions: ["clipboard-read", "clipboard-write"],
    trace: "off",
  },
});
