import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { LoadedPatch } from "../engines/engine.ts";
import type { System } from "../host/system.ts";

/** Where tracefs is, in the order of preference. */
const ENABLED_FUNCTIONS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"].map(
  (folder) => `${folder}/enabled_functions`,
);
/** `name [module] (count)`, then a letter for each kind of attachment, then what is attached. */
const LINE = /^(\S+?)(?: \[(\w+)\])? \(\d+\)([^\t]*)/;

/**
 * One function can be redirected by one owner. Who redirects it already (a kprobe with a post handler, a BPF trampoline
 * with direct calls) keeps livepatch out with EBUSY. Throws `apply`; says nothing where tracefs cannot be read.
 */
export async function requireFreeSlots(
  update: Update,
  loaded: readonly LoadedPatch[],
  system: System,
): Promise<void> {
  if (update.engine !== "livepatch") return;
  // Live patches share one redirection.
  const patched = new Set(loaded.flatMap(({ functions }) => functions.map((at) => at.replace(/,\d+$/, ""))));
  const taken = await redirected(system);
  for (const { name: object, functions } of update.objects) {
    for (const { name } of functions) {
      const place = `${object}/${name}`;
      if (!taken.has(place) || patched.has(place)) continue;
      throw new RebootlessError(
        "apply",
        `could not apply ${update.id}: ${name} is redirected by something else`,
        {
          hint: "A kprobe with a post handler or a tracing program holds it: /sys/kernel/tracing/enabled_functions tells which.",
          details: { cause: "kprobe_conflict", function: name, restored: true },
        },
      );
    }
  }
}

async function redirected(system: System): Promise<ReadonlySet<string>> {
  const places = new Set<string>();
  for (const line of (await enabledFunctions(system)).split("\n")) {
    const [, name, module = "vmlinux", flags] = LINE.exec(line) ?? [];
    if (name !== undefined && flags?.includes("I")) places.add(`${module}/${name}`);
  }
  return places;
}

async function enabledFunctions(system: System): Promise<string> {
  for (const path of ENABLED_FUNCTIONS) {
    const text = await system.read(path).catch(() => undefined); // lockdown closes tracefs; insmod will tell then
    if (text !== undefined) return text;
  }
  return "";
}
