import type { Feed } from "../../node/transport/feed.ts";
import type { UpdateId } from "../../shared/brand.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { KernelLandmarks, TextMemory } from "../../shared/runpre/fingerprint.ts";
import type { Engines } from "../engines/engines.ts";
import type { FindModuleFile } from "../host/module_files.ts";
import type { RunningModules } from "../host/modules.ts";
import type { System } from "../host/system.ts";
import type { Journal } from "../journal/journal.ts";
import type { Withheld } from "../plan/withheld.ts";
import type { TrustDir } from "../trust/trust_dir.ts";
import type { Report } from "./result.ts";

/** The running kernel: what changes it, and what shows its code and its modules. */
export interface RunningKernel {
  readonly engines: Engines;
  readonly system: System;
  /** Opens the kernel's memory. Whoever opens it closes it. */
  readonly memory: () => TextMemory & { close(): void };
  /** Reads which modules are loaded at this moment. */
  readonly modules: () => RunningModules;
  /** Finds the file that a module would be loaded from. */
  readonly moduleFile: FindModuleFile;
}

/** What the feed offers for the running kernel. */
export interface Offer {
  /** Every update of the verified manifest. */
  readonly updates: readonly Update[];
  readonly landmarks: KernelLandmarks;
  /** The feed that artifacts are fetched from. */
  readonly feed: Feed;
  /** The folder that verified artifacts are stored in. */
  readonly directory: TrustDir;
}

/** What the administrator wants of a run, by command line and by policy. */
export interface Wish {
  /** The updates to apply, with what they depend on; all updates if undefined. */
  readonly asked: ReadonlySet<UpdateId> | undefined;
  readonly withheld: ReadonlyMap<UpdateId, Withheld>;
  /** Whether an atomic replace may take out patches that it does not supersede. */
  readonly replaceOthers: boolean;
  /** What happens to an applied update that has been recalled. */
  readonly recall: "hold" | "undo";
  /** Whether an update is applied although some of its target objects are not loaded. */
  readonly partial: boolean;
  readonly dryRun: boolean;
}

/** A run that holds the state lock: where it records and reports what it does, and how it is asked to end. */
export interface ChangeRun {
  readonly journal: Journal;
  readonly report: Report;
  readonly progress: (line: string) => void;
  /** Aborted when the run is asked to end. After that, nothing more is begun. */
  readonly stop: AbortSignal;
}
