// Browsable documentation of everything public: `npm run docs`.

import { OptionDefaults } from "typedoc";

export default {
  name: "@semel/sdk",
  entryPoints: ["src/index.ts", "src/react/index.ts", "src/history/index.ts"],
  tsconfig: "tsconfig.build.json",
  out: "docs-api",
  readme: "../docs/SDK.md",
  excludePrivate: true,
  excludeExternals: true,
  // The server's description comes with this tag.
  blockTags: [...OptionDefaults.blockTags, "@description"],
  // Named in what is public, and made by nobody outside.
  intentionallyNotExported: [
    "src/client/replica.ts:Replica",
    "src/database/port.ts:Database",
    "src/engine/context.ts:EngineContext",
    "src/errors.ts:localCodes",
    "src/protocol/codes.ts:serverCodes",
    "src/protocol/wire.ts:Schemas",
    "src/tabs/port.ts:Tabs",
  ],
  validation: { invalidLink: true, notExported: true },
  treatWarningsAsErrors: true,
};
