import type { OpenFile } from "../../node/own_file.ts";
import type { ObjectName, UpdateId } from "../../shared/brand.ts";
import type { EngineName } from "../../shared/feed/update.ts";

/**
 * Why a change did not come about. The first lines are Ksplice's own words (`abort_cause`), which the livepatch engine
 * uses where they fit; the others are what today's kernels can say besides.
 */
export type AbortCause =
  | "no_match"
  | "bad_system_map"
  | "code_busy"
  | "module_busy"
  | "out_of_memory"
  | "failed_to_find"
  | "already_reversed"
  | "missing_export"
  | "unexpected_running_task"
  | "target_not_loaded"
  | "call_failed"
  | "cold_update_loaded"
  | "unexpected"
  | "busy_transition"
  | "ftrace_disabled"
  | "kprobe_conflict"
  | "signature_required"
  | "lockdown"
  | "modules_disabled"
  | "incompatible_state"
  | "already_loaded"
  | "wrong_kernel"
  | "stopped"
  | "unknown";

/** A kernel module of an update, by the name the kernel knows it by. */
export interface PatchModule {
  readonly name: ObjectName;
  /** livepatch has `patch` alone. Ksplice: `core` (standalone kernels), then for each target `new` and `old`. */
  readonly role: "patch" | "core" | "new" | "old";
  /** For `new` and `old`: the object that they change. */
  readonly target: ObjectName | null;
}

export interface LoadableModule extends PatchModule {
  /** The bytes that were verified, open. */
  readonly file: OpenFile;
}

/** What is to be taken out of the kernel. */
export interface Removal {
  readonly id: UpdateId;
  readonly modules: readonly PatchModule[];
}

/** What is to go into the kernel. */
export interface EngineChange extends Removal {
  /** In load order. */
  readonly modules: readonly LoadableModule[];
  /** Everything that it changes: `vmlinux` and modules. */
  readonly objects: readonly ObjectName[];
  /** Patches that the kernel puts out of force when this one goes in; their modules are unloaded after it. */
  readonly replaces: readonly ObjectName[];
}

export interface Abort {
  readonly cause: AbortCause;
  /** In the kernel's own words where it had some, else ours: a clause for people. */
  readonly detail: string;
  /** Tasks that sit in code that changes; none unless the cause is that. */
  readonly blockedBy: readonly Task[];
  /** Whether the host is as it was before. */
  readonly restored: boolean;
}

export type Aborted = { readonly outcome: "aborted" } & Abort;

export type ApplyOutcome =
  | {
      readonly outcome: "applied";
      readonly milliseconds: number;
      /** Objects that are not loaded: what is changed in them goes in when they are. */
      readonly pending: readonly ObjectName[];
      /** Patches that were in force before and are not any more. */
      readonly replaced: readonly string[];
    }
  | Aborted;

export type UndoOutcome = { readonly outcome: "undone"; readonly milliseconds: number } | Aborted;

/** A task that keeps a change from coming about: it sits in a function that is being replaced. */
export interface Task {
  readonly pid: number;
  readonly name: string;
  /** Where it sits, innermost first; empty where the kernel does not show it. */
  readonly stack: readonly string[];
}

/** An object that a loaded patch changes. */
export interface PatchedObject {
  /** As the kernel has it. */
  readonly name: string;
  /** Whether the object is loaded and changed; null where the kernel does not say. */
  readonly patched: boolean | null;
}

/** A patch that the kernel knows. */
export interface LoadedPatch {
  /** As the kernel has it: a foreign patch may be called anything. */
  readonly name: string;
  readonly engine: EngineName;
  /** `applied`: in force everywhere. `transition`: on its way in or out. `disabled`: loaded, not in force. */
  readonly state: "applied" | "transition" | "disabled";
  /** What it replaces, as `object/function,position`, sorted. Ksplice does not tell: empty. */
  readonly functions: readonly string[];
  readonly objects: readonly PatchedObject[];
  /** Whether it puts every other patch out of force; null where the kernel does not say (livepatch: 6.11). */
  readonly replaces: boolean | null;
  /** Its place in the order in which patches went in, from 1; null where the kernel does not say (livepatch: 6.14). */
  readonly order: number | null;
}

/** Told about once a second while an engine waits for the kernel. */
export interface Progress {
  readonly id: UpdateId;
  readonly doing: "applying" | "undoing" | "reversing" | "waiting for another patch";
  readonly seconds: number;
  /** When the engine gives it up. */
  readonly deadlineSeconds: number;
  /** Looked up when it has taken long; empty before. */
  readonly blockedBy: readonly Task[];
}

export interface ApplyOptions {
  /** Objects that are not loaded are left pending. Without it they abort the change (`target_not_loaded`). */
  readonly partial: boolean;
  /**
   * Called where time passed between the match and the load, as what was in the way may have changed what was matched.
   * What it returns keeps the change from being loaded.
   */
  readonly matchAgain: () => Promise<Abort | undefined>;
}

/** A way to change a running kernel. */
export interface Engine {
  readonly name: EngineName;
  loaded(): Promise<readonly LoadedPatch[]>;
  /** What would abort the change before anything is loaded, as far as it can be known. Changes nothing. */
  preflight(change: EngineChange, options: Pick<ApplyOptions, "partial">): Promise<Abort | undefined>;
  apply(change: EngineChange, options: ApplyOptions): Promise<ApplyOutcome>;
  undo(removal: Removal): Promise<UndoOutcome>;
}
