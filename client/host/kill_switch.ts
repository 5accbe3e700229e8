import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Places } from "../../node/config/config.ts";
import type { System } from "./system.ts";

/** The word on the kernel's command line that an administrator adds in the boot loader when a host does not come up. */
const OFF = "rebootless=off";

/** What keeps rebootless from doing anything by itself, at boot and by the clock, or undefined. */
export async function killSwitch(places: Places, system: System): Promise<string | undefined> {
  const file = join(places.configDir, "disabled");
  if (existsSync(file)) return file;
  const words = (await system.read("/proc/cmdline"))?.split(/\s+/) ?? [];
  return words.includes(OFF) ? `${OFF} on the kernel's command line` : undefined;
}
