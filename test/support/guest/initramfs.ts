import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, open, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RebootlessError } from "../../../shared/errors.ts";
import { CpioWriter } from "./cpio.ts";
import { cacheDirectory, type Kernel } from "./machine.ts";
import { sharedLibraries } from "./shared_libraries.ts";

const execFileAsync = promisify(execFile);

/** A file for the guest: its bytes, or the path of a file here to copy. `path` is the guest's, absolute. */
export interface GuestFile {
  readonly path: string;
  readonly content: Uint8Array | string | { readonly from: string };
  /** 0o644 unless told. */
  readonly mode?: number;
}

/** What the guest needs to reach the network and the agent, if the kernel has not got it built in. */
const WANTED_MODULES = ["virtio_pci", "virtio_net", "virtio_console"];

const BUSYBOX = "/bin/busybox";
/** A host has these beside busybox; the loader and the libraries keep their paths. */
const PROGRAMS: ReadonlyMap<string, string> = new Map([
  [process.execPath, "/usr/bin/node"],
  ["/usr/bin/flock", "/usr/bin/flock"],
]);

const initScript = join(dirname(fileURLToPath(import.meta.url)), "guest_init.sh");

async function addBusybox(cpio: CpioWriter): Promise<void> {
  cpio.file(BUSYBOX, await readFile(BUSYBOX), 0o755);
  const { stdout } = await execFileAsync(BUSYBOX, ["--list"]);
  for (const applet of stdout.split("\n")) {
    if (applet !== "" && applet !== "busybox") cpio.symlink(`/bin/${applet}`, BUSYBOX);
  }
}

async function addPrograms(cpio: CpioWriter): Promise<void> {
  const libraries = new Set<string>();
  for (const [path, inGuest] of PROGRAMS) {
    cpio.file(inGuest, await readFile(path), 0o755);
    for (const library of await sharedLibraries(path)) libraries.add(library);
  }
  for (const library of libraries) cpio.file(library, await readFile(library), 0o755);
}

async function buildBase(): Promise<Buffer> {
  const cpio = new CpioWriter();
  for (const path of ["/dev", "/proc", "/sys", "/run", "/tmp", "/etc", "/root", "/var", "/lib/modules"]) {
    cpio.directory(path);
  }
  // Before devtmpfs is mounted the kernel opens this for the standard streams of /init.
  cpio.characterDevice("/dev/console", 5, 1);
  cpio.file(
    "/etc/passwd",
    Buffer.from("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"),
  );
  cpio.file("/etc/group", Buffer.from("root:x:0:\nnogroup:x:65534:\n"));
  cpio.file("/etc/hosts", Buffer.from("127.0.0.1 localhost guest\n"));
  await addBusybox(cpio);
  await addPrograms(cpio);
  return cpio.encode();
}

/** What the base archive is made of, cheaply: a program's size and time stand for its bytes. */
async function baseKey(): Promise<string> {
  const hash = createHash("sha256");
  for (const path of [...PROGRAMS.keys(), BUSYBOX]) {
    const { size, mtimeMs } = await stat(path);
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  const ownFiles = ["cpio.ts", "initramfs.ts", "newc.ts"].map((name) => join(dirname(initScript), name));
  for (const path of ownFiles) hash.update(await readFile(path));
  return hash.digest("hex").slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

/** The archive that all guests share, in the cache. Not compressed: unpacking costs the guest more than reading. */
async function baseArchive(): Promise<string> {
  const path = join(cacheDirectory, "guest", `base-${await baseKey()}.cpio`);
  if (await exists(path)) return path;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, await buildBase());
  await rename(temporary, path);
  return path;
}

const moduleName = (path: string): string =>
  (path.split("/").at(-1) ?? "").replace(/\.ko(\.\w+)?$/, "").replaceAll("-", "_");

/** modules.dep: a module's path, a colon, the paths it needs, the last of which must be loaded first. */
async function readDependencies(kernel: Kernel): Promise<ReadonlyMap<string, readonly string[]>> {
  const text = await readFile(join(kernel.modules, "modules.dep"), "utf8");
  const lines = text.split("\n").filter((line) => line.includes(":"));
  return new Map(
    lines.map((line) => {
      const [path = "", ...needed] = line.split(/:? /).map((part) => part.replace(/:$/, ""));
      return [path, needed] as const;
    }),
  );
}

/** Paths below `kernel.modules` of what must be loaded, in order; what is built in is left out. */
async function modulesInOrder(kernel: Kernel, wanted: readonly string[]): Promise<readonly string[]> {
  const dependencies = await readDependencies(kernel);
  const order = new Set<string>();
  for (const name of wanted) {
    const path = [...dependencies.keys()].find((candidate) => moduleName(candidate) === name);
    if (path === undefined) continue;
    for (const needed of [...(dependencies.get(path) ?? [])].reverse()) order.add(needed);
    order.add(path);
  }
  return [...order];
}

/** Modules of the kernel's package and what they need, unpacked, by name, in the order in which they must be loaded. */
export async function packagedModules(
  kernel: Kernel,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const modules = new Map<string, Uint8Array>();
  for (const path of await modulesInOrder(kernel, wanted))
    modules.set(moduleName(path), await readModule(join(kernel.modules, path)));
  const absent = wanted.find((name) => !modules.has(name));
  if (absent === undefined) return modules;
  throw new RebootlessError("usage", `${kernel.version} has no module ${absent}`);
}

async function readModule(path: string): Promise<Buffer> {
  if (path.endsWith(".ko")) return await readFile(path);
  if (!path.endsWith(".xz")) throw new RebootlessError("unsupported", `a module packed in this way: ${path}`);
  const options = { encoding: "buffer", maxBuffer: 256 << 20 } as const;
  return (await execFileAsync("xz", ["-dc", path], options)).stdout;
}

async function addModules(cpio: CpioWriter, kernel: Kernel, more: readonly string[]): Promise<void> {
  const loaded: string[] = [];
  for (const path of await modulesInOrder(kernel, [...WANTED_MODULES, ...more])) {
    const target = `/lib/modules/${kernel.version}/${path.replace(/\.ko\.\w+$/, ".ko")}`;
    cpio.file(target, await readModule(join(kernel.modules, path)));
    loaded.push(`${target}\n`);
  }
  cpio.file("/etc/modules.order", Buffer.from(loaded.join("")));
}

async function contentOf(file: GuestFile): Promise<Uint8Array> {
  if (typeof file.content === "string") return Buffer.from(file.content);
  return file.content instanceof Uint8Array ? file.content : await readFile(file.content.from);
}

/**
 * Writes the first file system of a guest to `target`: the cached base, then what is this run's own.
 * @param modules of the kernel's package to be loaded at boot, with what they need.
 */
export async function writeInitramfs(
  target: string,
  kernel: Kernel,
  files: readonly GuestFile[],
  modules: readonly string[] = [],
): Promise<void> {
  const cpio = new CpioWriter();
  cpio.file("/init", await readFile(initScript), 0o755);
  await addModules(cpio, kernel, modules);
  for (const file of files) cpio.file(file.path, await contentOf(file), file.mode);
  await copyFile(await baseArchive(), target);
  const handle = await open(target, "a");
  try {
    await handle.appendFile(cpio.encode());
  } finally {
    await handle.close();
  }
}
