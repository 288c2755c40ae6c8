// A reporter for `node --test`: a line for each test that failed, with its file, a tab, and its name.

export default async function* failedTests(events) {
  for await (const { type, data } of events) {
    if (type === "test:fail" && data.file !== undefined) yield `${data.file}\t${data.name.replaceAll("\n", " ")}\n`;
  }
}
