/** A kprobe in the code of the kernel or of a module, as debugfs lists it. */
export interface Kprobe {
  /** The name of the function that it is in. */
  readonly name: string;
  /** The module of that function; null for the kernel's own. */
  readonly module: string | null;
  /** The offset from the function's start, in bytes. */
  readonly offset: number;
  /** Whether it is a jump of 5 bytes and not an int3 of one. */
  readonly optimised: boolean;
  /** Whether it is attached through ftrace, at the function's entry. */
  readonly ftrace: boolean;
}

export const KPROBES = "/sys/kernel/debug/kprobes/list";

/**
 * Parses lines of `ADDRESS  k|r  NAME+0xOFFSET  [module]  [FLAG]…` (kernel/kprobes.c, report_probe()). The address is not
 * used, because kptr_restrict may hide it as zero. Probes that are not armed change nothing, and are left out.
 */
export function parseKprobes(text: string): readonly Kprobe[] {
  return text.split("\n").flatMap((line) => {
    const [, name, offset, rest = ""] = /^\S+ +[kr] +(\S+)\+0x([0-9a-f]{1,8})(?: +(.*))?$/.exec(line) ?? [];
    if (name === undefined || offset === undefined) return [];
    const words = rest.split(/\s+/).filter((word) => word !== "");
    const flags = new Set(words.filter((word) => word.startsWith("[")));
    const [module = null, ...unknown] = words.filter((word) => !flags.has(word));
    if (unknown.length > 0 || flags.has("[DISABLED]") || flags.has("[GONE]")) return [];
    const at = Number.parseInt(offset, 16);
    return [{ name, module, offset: at, optimised: flags.has("[OPTIMIZED]"), ftrace: flags.has("[FTRACE]") }];
  });
}
