import type { OpenFile } from "../../node/own_file.ts";
import type { ObjectName, UpdateId } from "../../shared/brand.ts";
import type { EngineName } from "../../shared/feed/update.ts";

/**
 * The reason why a change did not come about. The first words, up to `unexpected`, are Ksplice's own (`abort_cause`); the
 * livepatch engine uses them where they fit. The other words are what today's kernels can say besides.
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

/** A kernel module of an update. */
export interface PatchModule {
  readonly name: ObjectName;
  /**
   * A livepatch update has the role `patch` alone. A Ksplice update has `core` on kernels without Ksplice, then `new` and
   * `old` for each target.
   */
  readonly role: "patch" | "core" | "new" | "old";
  /** The object that a `new` or `old` module changes; null for other roles. */
  readonly target: ObjectName | null;
}

export interface LoadableModule extends PatchModule {
  /** The open file whose bytes were verified. */
  readonly file: OpenFile;
}

/** An update to be taken out of the kernel. */
export interface Removal {
  readonly id: UpdateId;
  readonly modules: readonly PatchModule[];
}

/** An update to be put into the kernel. */
export interface EngineChange extends Removal {
  /** The modules in load order. */
  readonly modules: readonly LoadableModule[];
  /** All objects that the update changes: `vmlinux` and modules. */
  readonly objects: readonly ObjectName[];
  /** The patches that the kernel puts out of force when this one is applied. Their modules are unloaded afterwards. */
  readonly replaces: readonly ObjectName[];
}

export interface Abort {
  readonly cause: AbortCause;
  /** A clause for people, in the kernel's own words if there are any. */
  readonly detail: string;
  /** The tasks that are running code that is being replaced, if that is the cause; else empty. */
  readonly blockedBy: readonly Task[];
  /** Whether the host is as it was before. */
  readonly restored: boolean;
}

export type Aborted = { readonly outcome: "aborted" } & Abort;

export type ApplyOutcome =
  | {
      readonly outcome: "applied";
      readonly milliseconds: number;
      /** Objects that are not loaded. The kernel changes them when they are loaded. */
      readonly pending: readonly ObjectName[];
      /** The patches that this one put out of force. */
      readonly replaced: readonly string[];
    }
  | Aborted;

export type UndoOutcome = { readonly outcome: "undone"; readonly milliseconds: number } | Aborted;

/** A task that blocks a change, because it is running a function that is being replaced. */
export interface Task {
  readonly pid: number;
  readonly name: string;
  /** Its stack, innermost function first; empty if the kernel does not show it. */
  readonly stack: readonly string[];
}

/** An object that a loaded patch changes. */
export interface PatchedObject {
  /** The name that the kernel uses. */
  readonly name: string;
  /** Whether the object is loaded and changed; null if the kernel does not say. */
  readonly patched: boolean | null;
}

/** A patch that the kernel lists. */
export interface LoadedPatch {
  /** The name that the kernel uses. A foreign patch may have any name. */
  readonly name: string;
  readonly engine: EngineName;
  /** `applied`: in force for all tasks. `transition`: on its way in or out. `disabled`: loaded, but not in force. */
  readonly state: "applied" | "transition" | "disabled";
  /** The functions that it replaces, as `object/function,position`, sorted; empty for Ksplice, which does not list them. */
  readonly functions: readonly string[];
  readonly objects: readonly PatchedObject[];
  /**
   * Whether it put every other patch out of force; null if the kernel does not say it (livepatch does since 6.11) or says
   * something else than yes or no.
   */
  readonly replaces: boolean | null;
  /**
   * Its position in the order in which patches were applied, from 1; null if the kernel does not say (livepatch says it
   * since 6.14).
   */
  readonly order: number | null;
}

/** What an engine reports about once a second while it waits for the kernel. */
export interface Progress {
  readonly id: UpdateId;
  readonly doing: "applying" | "undoing" | "reversing" | "waiting for another patch";
  readonly seconds: number;
  /** The time after which the engine gives up, in seconds from the start. */
  readonly deadlineSeconds: number;
  /** The tasks that block the change. They are looked up only after a while; before that, the list is empty. */
  readonly blockedBy: readonly Task[];
}

export interface ApplyOptions {
  /** Whether objects that are not loaded are left pending. Otherwise they abort the change (`target_not_loaded`). */
  readonly partial: boolean;
  /**
   * Compares the update with memory again. It is called if time passed between the match and the load, because what the
   * engine waited for may have changed the code that was matched. If it returns an abort, nothing is loaded.
   */
  readonly matchAgain: () => Promise<Abort | undefined>;
}

/** A way to put updates into a running kernel and to take them out. */
export interface Engine {
  readonly name: EngineName;
  loaded(): Promise<readonly LoadedPatch[]>;
  /** Returns what would abort the change, as far as that can be known before anything is loaded. Changes nothing. */
  preflight(change: EngineChange, options: Pick<ApplyOptions, "partial">): Promise<Abort | undefined>;
  apply(change: EngineChange, options: ApplyOptions): Promise<ApplyOutcome>;
  undo(removal: Removal): Promise<UndoOutcome>;
}
