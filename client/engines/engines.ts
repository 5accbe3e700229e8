import type { EngineName } from "../../shared/feed/update.ts";
import type { Engine, LoadedPatch } from "./engine.ts";
import { type KspliceOptions, kspliceEngine } from "./ksplice.ts";
import { livepatchEngine } from "./livepatch.ts";
import type { EngineOptions } from "./wait.ts";

/** All engines of this kernel. */
export interface Engines {
  /** Returns the engine that an update asks for. */
  for(update: { readonly engine: EngineName }): Engine;
  /** Lists the loaded patches of all engines. */
  loaded(): Promise<readonly LoadedPatch[]>;
}

export function engines(options: EngineOptions & KspliceOptions): Engines {
  const byName: Readonly<Record<EngineName, Engine>> = {
    livepatch: livepatchEngine(options),
    ksplice: kspliceEngine(options),
  };
  return {
    for: ({ engine }) => byName[engine],
    loaded: async () => [...(await byName.livepatch.loaded()), ...(await byName.ksplice.loaded())],
  };
}
