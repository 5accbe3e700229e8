/** A function at whose start ftrace calls something. */
export interface TracedFunction {
  readonly name: string;
  /** The module of the function; null for the kernel's own. */
  readonly module: string | null;
  /** The functions that are called, if the kernel lists them. */
  readonly callbacks: readonly string[];
}

/** The places where tracefs may be mounted: by itself, or below debugfs. */
export const ENABLED_FUNCTIONS = [
  "/sys/kernel/tracing/enabled_functions",
  "/sys/kernel/debug/tracing/enabled_functions",
] as const;

/**
 * Parses lines of `NAME (COUNT) FLAGS  tramp: … (CALLBACK+0x…) ->CALLBACK+0x…` (kernel/trace/ftrace.c, t_show()); lines that
 * begin with white space go on with the one before; a function of a module is `NAME [module]`.
 */
export function parseEnabledFunctions(text: string): readonly TracedFunction[] {
  const found: { name: string; module: string | null; text: string }[] = [];
  for (const line of text.split("\n")) {
    const [, name, module = null] = /^(\S+) +(?:\[(\w+)\])?/.exec(line) ?? [];
    const last = found.at(-1);
    if (name !== undefined) found.push({ name, module, text: line });
    else if (last !== undefined && /^\s/.test(line)) last.text += line;
  }
  return found.map(({ name, module, text: all }) => ({ name, module, callbacks: callbacksIn(all) }));
}

function callbacksIn(line: string): readonly string[] {
  const names = [...line.matchAll(/(?:\(|->|direct-->)([A-Za-z_][\w.]*)(?:\+0x[0-9a-f]+\/0x[0-9a-f]+)?/g)];
  return [...new Set(names.map(([, name = ""]) => name))].filter((name) => name !== "");
}
