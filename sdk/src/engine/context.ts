// What the parts of an engine share.

import type { Database } from "../database/port.js";
import type { Environment } from "../environment.js";
import type { Writing } from "../log/apply.js";
import type { Api } from "../network/api.js";
import type { Network } from "../network/port.js";
import type { Tokens } from "../network/tokens.js";
import type { Change } from "../tabs/news.js";
import type { Witness } from "../witness.js";

export interface EngineContext {
  readonly me: string;
  readonly database: Database;
  readonly environment: Environment;
  readonly network: Network;
  readonly tokens: Tokens;
  readonly api: Api;
  readonly witness: Witness | undefined;
  /** Tells every tab what to read again. */
  changed(change: Change): void;
}

/** Who writes, and when. */
export function writing({ me, environment }: EngineContext): Writing {
  return { me, now: environment.now() };
}
