/** A function of the kernel's own that ftrace calls something from. */
export interface TracedFunction {
  readonly name: string;
  /** What is called, where the kernel says so. */
  readonly callbacks: readonly string[];
}

/** Where tracefs is mounted: by itself, or below debugfs. */
export const ENABLED_FUNCTIONS = [
  "/sys/kernel/tracing/enabled_functions",
  "/sys/kernel/debug/tracing/enabled_functions",
] as const;

/**
 * Lines of `NAME (COUNT) FLAGS  tramp: … (CALLBACK+0x…) ->CALLBACK+0x…` (kernel/trace/ftrace.c, t_show()); lines that
 * begin with white space go on with the one before; `NAME [module]` is none of the kernel's own.
 */
export function parseEnabledFunctions(text: string): readonly TracedFunction[] {
  const found: { name: string; text: string }[] = [];
  for (const line of text.split("\n")) {
    const name = /^(\S+) +(?!\[)/.exec(line)?.[1];
    const last = found.at(-1);
    if (name !== undefined) found.push({ name, text: line });
    else if (last !== undefined && /^\s/.test(line)) last.text += line;
  }
  return found.map(({ name, text: all }) => ({ name, callbacks: callbacksIn(all) }));
}

function callbacksIn(line: string): readonly string[] {
  const names = [...line.matchAll(/(?:\(|->|direct-->)([A-Za-z_][\w.]*)(?:\+0x[0-9a-f]+\/0x[0-9a-f]+)?/g)];
  return [...new Set(names.map(([, name = ""]) => name))].filter((name) => name !== "");
}
