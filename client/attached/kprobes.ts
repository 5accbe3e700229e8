/** A probe in the code of the kernel or of a module, as debugfs lists it. */
export interface Kprobe {
  /** Of the function that it is in. */
  readonly name: string;
  /** Whose that is; null for the kernel's own. */
  readonly module: string | null;
  /** From the function's start. */
  readonly offset: number;
  /** A jump of 5 bytes, not an int3 of one. */
  readonly optimised: boolean;
  /** Attached through ftrace, at the function's entry. */
  readonly ftrace: boolean;
}

export const KPROBES = "/sys/kernel/debug/kprobes/list";

/**
 * Lines of `ADDRESS  k|r  NAME+0xOFFSET  [module]  [FLAG]…` (kernel/kprobes.c, report_probe()); the address is zero for
 * whom kptr_restrict hides it, so nothing is made of it. Those that are not armed change nothing.
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
