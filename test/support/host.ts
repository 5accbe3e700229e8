import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CLIENT_IN_GUEST, clientFiles, ROOT_IN_GUEST } from "../../publisher/try/client_files.ts";
import type { GuestFile } from "../../publisher/try/guest/initramfs.ts";
import { hostBundle, mirrorBundle } from "./commands.ts";
import type { ExecResult, Guest } from "./guest/guest.ts";
import { type BootOptions, bootGuest } from "./guest/guest.ts";
import type { Kernel } from "./guest/machine.ts";

export { ROOT_IN_GUEST };
/** The client in the guest. */
export const CLIENT = CLIENT_IN_GUEST;

const MIRROR = "/usr/lib/rebootless/rebootless-mirror.cjs";

/** The host's bundles and a root of trust, for a guest. */
export const hostFiles = async (rootFile: string): Promise<readonly GuestFile[]> => [
  ...(await clientFiles((name) => readFile(join(dirname(hostBundle), name)))),
  { path: MIRROR, content: await readFile(mirrorBundle), mode: 0o644 },
  { path: ROOT_IN_GUEST, content: await readFile(rootFile), mode: 0o644 },
];

/** A booted guest with the host's bundle and a root of trust in it, not set up yet. */
export async function bootHost(
  kernel: Kernel,
  rootFile: string,
  more: readonly GuestFile[] = [],
  options: Pick<BootOptions, "cpu" | "disks"> = {},
): Promise<Guest> {
  return bootGuest({ ...options, kernel, files: [...(await hostFiles(rootFile)), ...more] });
}

/** Runs the host's command in the guest, as its administrator would. */
export const rebootless = (guest: Guest, ...args: readonly string[]): Promise<ExecResult> =>
  guest.exec(["node", CLIENT, ...args], { timeoutMs: 120_000 });
