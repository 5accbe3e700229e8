import type { ModuleRunner, Trial } from "./guest/module_runner.ts";
import { KINDS } from "./kinds/all.ts";
import type { Kind } from "./kinds/kind.ts";
import { playKinds } from "./kinds/play.ts";
import { spread } from "./options.ts";
import type { SourcePair } from "./pair.ts";
import type { Workshop } from "./workshop.ts";

/** What became of small changes of ours to one version of a source. */
export interface OwnChanges {
  readonly changes: number;
  readonly made: number;
  /** Modules that were loaded, and undone, in every order of loading. */
  readonly loaded: number;
  readonly undone: number;
  /** Changes of which anything was not as it must be. */
  readonly failed: number;
}

/**
 * Makes those small changes of ours that can be made live and that have a place in this source, evenly spread, and loads,
 * uses and undoes each.
 */
export async function proveOwnChanges(
  { kernel }: SourcePair,
  workshop: Workshop,
  runner: ModuleRunner,
  limit: number | undefined,
  say: (line: string) => void,
): Promise<OwnChanges> {
  const series = /^\d+\.\d+/.exec(kernel.version)?.[0];
  const live = KINDS.filter((kind) => kind.expected.outcome === "made");
  const fitting: Kind[] = [];
  for (const kind of live.filter((each) => each.series === undefined || each.series === series)) {
    const misfit = await workshop.rewritten(kind.changes).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (misfit === undefined) fitting.push(kind);
    else say(`${kind.kind}: has no place in this source: ${misfit.split("\n", 1)[0]}`);
  }
  const played = await playKinds(workshop, runner, spread(fitting, limit), say);
  const throughout = (is: (trial: Trial) => boolean): number =>
    played.filter(({ trials }) => trials.length > 0 && trials.every(is)).length;
  return {
    changes: played.length,
    made: played.filter(({ made }) => made).length,
    loaded: throughout(({ loaded }) => loaded),
    undone: throughout(({ undone }) => undone),
    failed: played.filter(({ problems }) => problems.length > 0).length,
  };
}
