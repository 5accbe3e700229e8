import type { AbortCause } from "./engine.ts";

/** The errors of a module's load that tell something. */
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
 * insmod exits with 1 and says the rest in words: kmod's, busybox's, and those of the C library (glibc, musl) for what
 * neither has words of its own for.
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

/** @param words what insmod said: `insmod: …: can't insert 'FILE': REASON`. The file's name shall not be the reason. */
export function errnoOf(words: string): Errno | undefined {
  const reason = words.slice(words.lastIndexOf(": ") + 1);
  return WORDS.find(([pattern]) => pattern.test(reason))?.[1];
}

/** What the host says of itself. */
export interface Circumstances {
  readonly ftrace: boolean;
  readonly modulesDisabled: boolean;
  readonly lockdown: boolean;
}

export interface Refusal {
  readonly cause: AbortCause;
  /** The line of the kernel log that says it, if one does. */
  readonly said: string | undefined;
}

/** What the kernel logs about a load that fails, and what it means. */
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
  // Were a probe in the way the log would say so.
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
 * Why a module was not loaded: by the first line of the log that says it, else by the error. Some errors name the
 * cause alone, and another's line in the log must not hide it.
 */
export function refusalCause(
  module: string,
  errno: Errno | undefined,
  log: readonly string[],
  circumstances: Circumstances,
): Refusal {
  if (errno === "EEXIST" || errno === "ENOMEM") return { cause: BY_ERRNO[errno], said: undefined };
  for (const line of linesOf(module, log)) {
    const cause = LOGGED.find(([pattern]) => pattern.test(line))?.[1];
    if (cause === "kprobe_conflict" && !circumstances.ftrace) return { cause: "ftrace_disabled", said: line };
    if (cause !== undefined) return { cause, said: line };
  }
  if (errno === "EPERM" && circumstances.modulesDisabled)
    return { cause: "modules_disabled", said: undefined };
  if (errno === "EPERM" && circumstances.lockdown) return { cause: "lockdown", said: undefined };
  if (errno === "EBUSY" && !circumstances.ftrace) return { cause: "ftrace_disabled", said: undefined };
  return { cause: errno === undefined ? "unknown" : BY_ERRNO[errno], said: undefined };
}

/** Lines about this module; those about loading that name none count too, for nobody else loads at this moment. */
function linesOf(module: string, log: readonly string[]): readonly string[] {
  return log.filter((line) => {
    if (line.startsWith("livepatch: "))
      return !/patch '(\w+)'|patch \((\w+)\)/.test(line) || line.includes(module);
    if (line.startsWith(`module ${module}: `)) return true;
    return line.startsWith(`${module}: `) || line.startsWith("Lockdown: ") || line.startsWith("Loading of ");
  });
}
