// Names the tests that failed first and then passed, for the end of `make test`.

import { appendFileSync } from "node:fs";
import type { Reporter, TestCase, TestResult } from "@playwright/test/reporter";

export default class SecondAttempts implements Reporter {
  readonly #to = process.env["SECOND_ATTEMPTS"];

  onTestEnd(test: TestCase, result: TestResult): void {
    if (this.#to !== undefined && result.retry > 0 && result.status === "passed")
      appendFileSync(this.#to, `web ${test.title}\n`);
  }
}
