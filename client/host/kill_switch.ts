import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Places } from "../../node/config/config.ts";
import type { System } from "./system.ts";

/** The word that an administrator adds to the kernel's command line in the boot loader if a host does not come up. */
const OFF = "rebootless=off";

/** Returns what keeps rebootless from acting at boot and on schedule: a file or a word; undefined if nothing does. */
export async function killSwitch(places: Places, system: System): Promise<string | undefined> {
  const file = join(places.configDir, "disabled");
  if (existsSync(file)) return file;
  const words = (await system.read("/proc/cmdline"))?.split(/\s+/) ?? [];
  return words.includes(OFF) ? `${OFF} on the kernel's command line` : undefined;
}
