import { join } from "node:path";
import type { Places } from "../config.ts";
import { readIfPresent } from "./files.ts";
import type { System } from "./system.ts";

/** On the kernel's command line, for a host that does not come up otherwise. */
const BOOT_WORD = "rebootless=off";

export const disabledFile = (places: Places): string => join(places.configDir, "disabled");

/** What keeps runs that nobody asked for (at boot, by timer or cron) from changing this host; undefined: nothing. */
export async function switchedOff(places: Places, system: System): Promise<string | undefined> {
  const words = ((await system.read("/proc/cmdline")) ?? "").split(/\s+/);
  if (words.includes(BOOT_WORD)) return `${BOOT_WORD} stands on the kernel's command line`;
  const file = disabledFile(places);
  return (await readIfPresent(file)) === undefined ? undefined : `${file} is there`;
}
