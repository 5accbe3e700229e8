import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { LoadedPatch } from "../engines/engine.ts";
import type { System } from "../host/system.ts";

/** The places where tracefs may be mounted, in order of preference. */
const ENABLED_FUNCTIONS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"].map(
  (folder) => `${folder}/enabled_functions`,
);
/** A line: `name [module] (count)`, then a letter for each kind of attachment, then what is attached. */
const LINE = /^(\S+?)(?: \[(\w+)\])? \(\d+\)([^\t]*)/;

/**
 * Refuses a livepatch update of a function that something else redirects already (a kprobe with a post handler, a BPF
 * trampoline with direct calls). Ftrace lets one owner redirect a function, and refuses livepatch with EBUSY. Passes
 * where tracefs cannot be read.
 *
 * @throws RebootlessError `apply`.
 */
export async function requireNoFtraceConflict(
  update: Update,
  loaded: readonly LoadedPatch[],
  system: System,
): Promise<void> {
  if (update.engine !== "livepatch") return;
  // All live patches share one redirection.
  const patched = new Set(loaded.flatMap(({ functions }) => functions.map((at) => at.replace(/,\d+$/, ""))));
  const redirected = await redirectedFunctions(system);
  for (const { name: object, functions } of update.objects) {
    for (const { name } of functions) {
      const place = `${object}/${name}`;
      if (!redirected.has(place) || patched.has(place)) continue;
      throw new RebootlessError(
        "apply",
        `could not apply ${update.id}: ${name} is redirected by something else`,
        {
          hint: "A kprobe with a post handler or a tracing program uses it: see /sys/kernel/tracing/enabled_functions.",
          details: { cause: "kprobe_conflict", function: name, restored: true },
        },
      );
    }
  }
}

async function redirectedFunctions(system: System): Promise<ReadonlySet<string>> {
  const places = new Set<string>();
  for (const line of (await enabledFunctions(system)).split("\n")) {
    const [, name, module = "vmlinux", flags] = LINE.exec(line) ?? [];
    if (name !== undefined && flags?.includes("I")) places.add(`${module}/${name}`);
  }
  return places;
}

async function enabledFunctions(system: System): Promise<string> {
  for (const path of ENABLED_FUNCTIONS) {
    const text = await system.read(path).catch(() => undefined); // Lockdown closes tracefs. insmod reports a conflict then.
    if (text !== undefined) return text;
  }
  return "";
}
