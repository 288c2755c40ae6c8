// The report of everything public, `api.md`, which is reviewed with each change: `npm run build && node scripts/api.mjs` writes
// it, `--check` fails when it is stale.

import { readFile, writeFile } from "node:fs/promises";

import ts from "typescript";

const entries = { ".": "index", "./react": "react/index", "./history": "history/index" };
const file = new URL("../api.md", import.meta.url);

const paths = Object.values(entries).map(
  (name) => new URL(`../dist/${name}.d.ts`, import.meta.url).pathname,
);
const options = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
};
const program = ts.createProgram(paths, options);
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });

let report = "# What `@semel/sdk` gives\n\nWritten by `scripts/api.mjs`; do not edit.\n";
for (const [place, entry] of Object.keys(entries).entries()) {
  const source = program.getSourceFile(paths[place]);
  report += `\n## \`@semel/sdk${entry.slice(1)}\`\n\n\`\`\`ts\n${declarations(source)}\n\`\`\`\n`;
}

if (process.argv.includes("--check")) {
  const known = await readFile(file, "utf8").catch(() => "");
  if (known !== report) {
    console.error(
      "sdk/api.md is stale: `npm run build && node scripts/api.mjs`, and look at what changed.",
    );
    process.exitCode = 1;
  } else console.log("api.md is as it should be");
} else await writeFile(file, report);

function declarations(source) {
  const module = checker.getSymbolAtLocation(source);
  const symbols = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
  return symbols.flatMap((symbol) => texts(resolve(symbol))).join("\n");
}

function resolve(symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function texts(symbol) {
  return (symbol.declarations ?? []).map((declaration) => {
    const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
    const text = printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile());
    const isPrivate = (line) => /^\s*#private;$/.test(line);
    return text
      .split("\n")
      .filter((line) => !isPrivate(line))
      .join("\n");
  });
}
