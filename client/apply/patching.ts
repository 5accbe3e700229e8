import type { Update } from "../../shared/feed/update.ts";
import type { KernelLandmarks, TextMemory } from "../../shared/runpre/fingerprint.ts";
import type { Engines } from "../engines/engines.ts";
import type { FindModuleFile } from "../host/module_files.ts";
import type { RunningModules } from "../host/modules.ts";
import type { System } from "../host/system.ts";
import type { Journal } from "../journal/journal.ts";
import type { Report } from "./result.ts";

/** What it takes to change the running kernel, for who holds the lock. */
export interface Patching {
  /** Every update that is known of this kernel. */
  readonly updates: readonly Update[];
  readonly engines: Engines;
  readonly system: System;
  readonly journal: Journal;
  readonly report: Report;
  readonly progress: (line: string) => void;
  /** Aborted when the run was asked to end: nothing more is begun then. */
  readonly stop: AbortSignal;
}

/** What it takes to compare updates with the running kernel. */
export interface Matching {
  readonly updates: readonly Update[];
  readonly landmarks: KernelLandmarks;
  readonly memory: () => TextMemory & { close(): void };
  /** The modules that are loaded, as of now. */
  readonly modules: () => RunningModules;
  readonly moduleFile: FindModuleFile;
}
