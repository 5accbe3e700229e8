import { readFile, writeFile } from "node:fs/promises";
import { CpioWriter } from "./cpio.ts";
import { GUEST_INIT } from "./guest_init.ts";
import type { GuestKernel } from "./guest_kernel.ts";
import { addPrograms } from "./guest_programs.ts";
import { neededModules } from "./needed_modules.ts";

/** A file for the guest: its bytes, or the path of a file here to copy. `path` is the guest's, absolute. */
export interface GuestFile {
  readonly path: string;
  readonly content: Uint8Array | string | { readonly from: string };
  /** The permissions; 0o644 by default. */
  readonly mode?: number;
}

/** What the guest needs to reach the network and the agent, if the kernel does not have it built in. */
const WANTED_MODULES = ["virtio_pci", "virtio_net", "virtio_console"];

/**
 * Writes the first file system of a guest to `target`. It is not compressed, because unpacking costs the guest more than
 * reading.
 * @param modules the modules of the kernel's package that are loaded at boot, with what they need.
 * @throws RebootlessError `unsupported` if a program that belongs into a guest is not installed here.
 */
export async function writeInitramfs(
  target: string,
  kernel: GuestKernel,
  files: readonly GuestFile[],
  modules: readonly string[] = [],
): Promise<void> {
  const cpio = new CpioWriter();
  addSystem(cpio);
  await addPrograms(cpio);
  await addModules(cpio, kernel, modules);
  for (const file of files) cpio.file(file.path, await contentOf(file), file.mode);
  await writeFile(target, cpio.encode());
}

function addSystem(cpio: CpioWriter): void {
  for (const path of ["/dev", "/proc", "/sys", "/run", "/tmp", "/etc", "/root", "/var", "/lib/modules"])
    cpio.directory(path);
  // Before devtmpfs is mounted the kernel opens this for the standard streams of /init.
  cpio.characterDevice("/dev/console", 5, 1);
  const text = (path: string, content: string, mode?: number) => cpio.file(path, Buffer.from(content), mode);
  text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n");
  text("/etc/group", "root:x:0:\nnogroup:x:65534:\n");
  text("/etc/hosts", "127.0.0.1 localhost guest\n");
  text("/init", GUEST_INIT, 0o755);
}

async function addModules(cpio: CpioWriter, kernel: GuestKernel, more: readonly string[]): Promise<void> {
  const loaded: string[] = [];
  for (const [name, bytes] of await neededModules(kernel.modules, [...WANTED_MODULES, ...more])) {
    const target = `/lib/modules/${kernel.release}/${name}.ko`;
    cpio.file(target, bytes);
    loaded.push(`${target}\n`);
  }
  cpio.file("/etc/modules.order", Buffer.from(loaded.join("")));
}

async function contentOf(file: GuestFile): Promise<Uint8Array> {
  if (typeof file.content === "string") return Buffer.from(file.content);
  return file.content instanceof Uint8Array ? file.content : await readFile(file.content.from);
}
