import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type RunningModules, runningModules } from "../../../client/host/modules.ts";
import { fingerprintModule } from "../../../publisher/fingerprint/module_function.ts";
import { type KernelImage, openKernelImage } from "../../../publisher/image/kernel_image.ts";
import { openInput } from "../../../publisher/kernel_files/input.ts";
import { moduleLinker } from "../../../publisher/module/link/linked_module.ts";
import { openModule } from "../../../publisher/module/module_file.ts";
import type { ObjectName } from "../../../shared/brand.ts";
import { fromHex, utf8 } from "../../../shared/bytes.ts";
import type { FunctionFingerprint } from "../../../shared/runpre/fingerprint.ts";
import type { ModuleLayout } from "../../../shared/runpre/module/layout.ts";
import type { Guest } from "../../support/guest/guest.ts";
import type { Kernel } from "../../support/guest/machine.ts";
import { captureRange, type MemoryRange } from "./capture.ts";

/** Modules that load on a machine that has none of their hardware; with what they need, more than 30. */
export const MODULES = [
  "ext4",
  "btrfs",
  "xfs",
  "nf_tables",
  "nf_conntrack",
  "overlay",
  "fuse",
  "bridge",
  "veth",
  "tun",
  "kvm",
  "dm_mod",
  "tls",
  "vsock",
  "wireguard",
  "sit",
  "aesni_intel",
  "nfsd",
  "tcp_bbr",
  "8021q",
  "act_gact",
  "pktgen",
] as const;

/** Fingerprints of all functions of a module. */
export interface FingerprintedModule {
  readonly name: ObjectName;
  readonly buildId: string;
  readonly layout: ModuleLayout;
  readonly functions: readonly FunctionFingerprint[];
}

/** Throws RebootlessError for a function that cannot be fingerprinted: there must be none. */
export async function fingerprintModules(
  kernel: Kernel,
  names: readonly string[],
): Promise<readonly FingerprintedModule[]> {
  const image: KernelImage = openKernelImage(new Uint8Array(readFileSync(kernel.vmlinuz)));
  const link = moduleLinker(image);
  const { modules } = await openInput(kernel.modules, (name) => names.includes(name));
  return await Promise.all(
    modules.map(async (file) => {
      const module = link(openModule(await file.read()));
      const { functions, refused } = fingerprintModule(module, image.linkedText);
      if (refused[0] !== undefined) throw refused[0];
      return { name: module.name, buildId: module.buildId, layout: module.layout, functions };
    }),
  );
}

/** What a guest tells of its modules, and their memory. */
export interface LoadedModules {
  readonly modules: RunningModules;
  readonly memory: MemoryRange;
}

const SYS = "/sys/module";

/** Lines of PATH:TEXT, and of build IDs PATH:HEX. */
const LIST = `cd ${SYS}; grep -Hs . */initstate */sections/.[!.]* */sections/[!.]*
for f in */notes/.note.gnu.build-id; do echo "$f:$(od -An -v -tx1 $f | tr -d ' \n')"; done`;

/** Reads what the host's client reads, for it to be read again here. */
export async function captureModules(guest: Guest): Promise<LoadedModules> {
  const files = new Map<string, Uint8Array>();
  const addresses: bigint[] = [];
  for (const line of (await guest.mustExec(LIST)).trim().split("\n")) {
    const [path = "", value = ""] = line.split(":");
    files.set(join(SYS, path), path.includes("/notes/") ? fromHex(value) : utf8(`${value}\n`));
    if (path.includes("/sections/") && !path.includes("/.init")) addresses.push(BigInt(value));
  }
  await guest.mustExec("grep '\\[' /proc/kallsyms >/tmp/kallsyms; true");
  files.set("/proc/kallsyms", new Uint8Array(await guest.getFile("/tmp/kallsyms")));
  const names = [...new Set([...files.keys()].map((path) => path.split("/")[3] ?? ""))];
  const sorted = addresses.sort((a, b) => (a < b ? -1 : 1));
  return {
    modules: runningModules(
      (path) => files.get(path),
      () => names,
    ),
    memory: await captureRange(guest, sorted[0] ?? 0n, (sorted.at(-1) ?? 0n) + LAST_SECTION),
  };
}

/** Room for what begins at the last address. */
const LAST_SECTION = 0x20_0000n;
