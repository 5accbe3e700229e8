import type { AbortCause } from "./engine.ts";

/** The errors of a module load that say something about the cause. */
export type Errno =
  | "EBUSY"
  | "EEXIST"
  | "EINVAL"
  | "EKEYREJECTED"
  | "ENODEV"
  | "ENOENT"
  | "ENOEXEC"
  | "ENOKEY"
  | "ENOMEM"
  | "EPERM"
  | "ESRCH";

/**
 * What insmod prints for each error. It exits with 1 for all of them. The words are kmod's, busybox's, or those of the C
 * library (glibc, musl).
 */
const WORDS: readonly (readonly [RegExp, Errno])[] = [
  [/invalid module format|exec format error/i, "ENOEXEC"],
  [/unknown symbol/i, "ENOENT"],
  [/wrong symbol version/i, "ESRCH"],
  [/invalid (parameters?|argument)/i, "EINVAL"],
  [/file exists|already in kernel/i, "EEXIST"],
  [/resource busy/i, "EBUSY"],
  [/key was rejected/i, "EKEYREJECTED"],
  [/required key not available/i, "ENOKEY"],
  [/operation not permitted|permission denied/i, "EPERM"],
  [/cannot allocate memory|out of memory/i, "ENOMEM"],
  [/no such device/i, "ENODEV"],
];

/**
 * Finds the error that insmod printed.
 *
 * @param words `insmod: …: can't insert 'FILE': REASON`. Only the reason is searched, and not the name of the file.
 */
export function errnoOf(words: string): Errno | undefined {
  const reason = words.slice(words.lastIndexOf(": ") + 1);
  return WORDS.find(([pattern]) => pattern.test(reason))?.[1];
}

/** Settings of the host that bear on why a load was refused. */
export interface HostConditions {
  readonly ftrace: boolean;
  readonly modulesDisabled: boolean;
  readonly lockdown: boolean;
}

export interface LoadRefusal {
  readonly cause: AbortCause;
  /** The line of the kernel log that gives the cause, if there is one. */
  readonly said: string | undefined;
}

/** What the kernel logs about a load that fails, and the cause that it stands for. */
const LOGGED: readonly (readonly [RegExp, AbortCause])[] = [
  [/^livepatch: pre-patch callback failed for object/, "call_failed"],
  [/^livepatch: Livepatch patch .* is not compatible with the already installed/, "incompatible_state"],
  [/^livepatch: symbol '.*' not found in symbol table/, "failed_to_find"],
  [/^livepatch: unresolvable ambiguity for symbol/, "failed_to_find"],
  [/^livepatch: symbol position \d+ for symbol '.*' in object '.*' not found/, "failed_to_find"],
  [/^livepatch: kallsyms size lookup failed for/, "failed_to_find"],
  [/^livepatch: failed to (?:register ftrace handler|set ftrace filter) .*\(-19\)$/, "ftrace_disabled"],
  [/^livepatch: failed to (?:register ftrace handler|set ftrace filter) .*\(-16\)$/, "kprobe_conflict"],
  [/^livepatch: failed to (?:register ftrace handler|set ftrace filter) .*\(-12\)$/, "out_of_memory"],
  [/: Unknown symbol \S+ \(err -2\)$/, "missing_export"],
  [/: version magic '.*' should be /, "wrong_kernel"],
  [/: disagrees about version of symbol /, "wrong_kernel"],
  [/^module \S+: \.gnu\.linkonce\.this_module section size must match /, "wrong_kernel"],
  [/^Lockdown: .*module loading is restricted/, "lockdown"],
  [/^Loading of .*module.* is rejected$/, "signature_required"],
];

const BY_ERRNO: Readonly<Record<Errno, AbortCause>> = {
  // If a probe were the cause, the log would say so.
  EBUSY: "busy_transition",
  EEXIST: "already_loaded",
  EINVAL: "unknown",
  EKEYREJECTED: "signature_required",
  ENODEV: "unknown",
  ENOENT: "missing_export",
  ENOEXEC: "wrong_kernel",
  ENOKEY: "signature_required",
  ENOMEM: "out_of_memory",
  EPERM: "unknown",
  ESRCH: "wrong_kernel",
};

/**
 * Finds the cause of a refused load: from the first line of the log that gives one, else from the error. Some errors name
 * their cause by themselves, so that a line of another program in the log must not hide it.
 */
export function refusalCause(
  module: string,
  errno: Errno | undefined,
  log: readonly string[],
  conditions: HostConditions,
): LoadRefusal {
  if (errno === "EEXIST" || errno === "ENOMEM") return { cause: BY_ERRNO[errno], said: undefined };
  for (const line of linesOf(module, log)) {
    const cause = LOGGED.find(([pattern]) => pattern.test(line))?.[1];
    if (cause === "kprobe_conflict" && !conditions.ftrace) return { cause: "ftrace_disabled", said: line };
    if (cause !== undefined) return { cause, said: line };
  }
  if (errno === "EPERM" && conditions.modulesDisabled) return { cause: "modules_disabled", said: undefined };
  if (errno === "EPERM" && conditions.lockdown) return { cause: "lockdown", said: undefined };
  if (errno === "EBUSY" && !conditions.ftrace) return { cause: "ftrace_disabled", said: undefined };
  return { cause: errno === undefined ? "unknown" : BY_ERRNO[errno], said: undefined };
}

/**
 * Returns the lines about this module. Lines about loading that name no module count too, because no other module is being
 * loaded at this moment.
 */
function linesOf(module: string, log: readonly string[]): readonly string[] {
  return log.filter((line) => {
    if (line.startsWith("livepatch: "))
      return !/patch '(\w+)'|patch \((\w+)\)/.test(line) || line.includes(module);
    if (line.startsWith(`module ${module}: `)) return true;
    return line.startsWith(`${module}: `) || line.startsWith("Lockdown: ") || line.startsWith("Loading of ");
  });
}
