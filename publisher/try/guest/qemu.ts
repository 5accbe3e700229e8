import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RebootlessError } from "../../../shared/errors.ts";
import type { GuestKernel } from "./guest_kernel.ts";

/** How the guest's processors are run: by the machine's own (KVM), or by QEMU's emulation (TCG). */
export const ACCELERATORS = ["kvm", "tcg"] as const;
export type Accelerator = (typeof ACCELERATORS)[number];

export interface QemuOptions {
  readonly kernel: GuestKernel;
  /** The default is `tcg`. */
  readonly accelerator?: Accelerator;
  /** True if the guest reaches what listens on this machine's loopback. By default it reaches nothing outside. */
  readonly reachesHost?: boolean;
  /** True for a socket `gdb` in the directory, by which a debugger reads and writes the guest's memory. */
  readonly hasDebugPort?: boolean;
  /** Added to the kernel's command line. */
  readonly append?: string;
  /** A CPU model of QEMU's. The default is `host` with KVM, and `DEFAULT_CPU` otherwise. */
  readonly cpu?: string;
  readonly smp?: number;
  readonly memoryMb?: number;
  /** Raw images here; the guest has them as /dev/nvme0n1, /dev/nvme1n1, ... */
  readonly disks?: readonly string[];
  /** The same after those; the guest cannot write to them. */
  readonly readOnlyDisks?: readonly string[];
  /** After a kernel oops the guest may go on, and commands with it; without this an oops ends every command. */
  readonly survivesOops?: boolean;
}

/** An emulated processor that has what kernels since 2013 look for. */
export const DEFAULT_CPU = "Haswell";

const CONSOLE_CAP_BYTES = 4 << 20;
const TAIL_CHARACTERS = 4000;
/** How long to listen on after a crash's first line, so that the error has the rest of it. */
const CRASH_REPORT_MS = 700;

const PANIC = /Kernel panic - not syncing/;
/** Not every `BUG:`: a machine that is slow to emulate has its soft lockups. */
const OOPS = /BUG: (unable|kernel NULL)|Oops:|general protection fault|kernel BUG at/;

const running = new Set<Qemu>();

let isExitHeeded = false;

/** QEMU also dies with the thread that started it (see `setpriv`); this is for its files. */
function destroyAllAtExit(): void {
  if (isExitHeeded) return;
  isExitHeeded = true;
  const destroyAll = (): void => {
    for (const qemu of running) qemu.destroy();
  };
  process.once("exit", destroyAll);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      destroyAll();
      // Nobody else handles it: end as if nobody had.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}

function machineArguments(options: QemuOptions, directory: string): readonly string[] {
  const images = [
    ...(options.disks ?? []).map((file) => `file=${file}`),
    ...(options.readOnlyDisks ?? []).map((file) => `file=${file},readonly=on`),
  ];
  const disks = images.flatMap((image, index) => {
    const device = `nvme,serial=disk${index},drive=d${index}`;
    return ["-drive", `${image},if=none,id=d${index},format=raw`, "-device", device];
  });
  const socket = (name: string): string =>
    `socket,id=${name},path=${join(directory, name)},server=on,wait=off`;
  // loglevel: warnings are wanted on the console, the boot's chatter is not.
  // Under emulation on a busy machine the timer misses the moment in which the kernel tries it, and the kernel panics.
  const append = `console=ttyS0 loglevel=5 panic=-1 no_timer_check ${options.append ?? ""}`.trim();
  return [
    ...processorArguments(options),
    ...["-smp", String(options.smp ?? 2), "-m", String(options.memoryMb ?? 1024)],
    ...["-nodefaults", "-display", "none", "-no-reboot", "-rtc", "base=utc,clock=host"],
    ...["-kernel", join(directory, "kernel"), "-initrd", join(directory, "initramfs"), "-append", append],
    ...["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"],
    ...["-netdev", `user,id=net${options.reachesHost === true ? "" : ",restrict=on"}`],
    ...["-device", "virtio-net-pci,netdev=net,romfile="],
    ...["-device", "virtio-serial-pci", "-chardev", socket("agent")],
    ...["-device", "virtserialport,chardev=agent,name=rebootless.agent"],
    ...(options.hasDebugPort === true ? ["-chardev", socket("gdb"), "-gdb", "chardev:gdb"] : []),
    ...disks,
  ];
}

function processorArguments({ accelerator = "tcg", cpu }: QemuOptions): readonly string[] {
  if (accelerator === "kvm") return ["-accel", "kvm", "-cpu", cpu ?? "host"];
  // One thread for all processors. With one each, a processor can run on in code that it translated before another
  // rewrote it, and the kernel, which rewrites itself all the time, oopses at an int3 that is long gone.
  return ["-accel", "tcg,thread=single", "-cpu", cpu ?? DEFAULT_CPU];
}

/** A QEMU process with its directory: what it prints is the guest's console. */
export class Qemu {
  /** Has `kernel`, `initramfs` and the sockets `agent` and `gdb`. Its path is short, as socket paths must be. */
  readonly directory = mkdtempSync(join(tmpdir(), "rebootless-guest-"));
  readonly #options: QemuOptions;
  #child: ChildProcess | undefined;
  #console = "";
  #complaints = "";
  #crash: RebootlessError | undefined;
  #closing = false;
  #crashTimer: NodeJS.Timeout | undefined;
  readonly #listeners: ((error: RebootlessError) => void)[] = [];

  constructor(options: QemuOptions) {
    this.#options = options;
    destroyAllAtExit();
    running.add(this);
  }

  /** Starts the machine. `initramfs` must be in `directory`. */
  start(): void {
    writeFileSync(join(this.directory, "kernel"), this.#options.kernel.image);
    const qemu = ["qemu-system-x86_64", ...machineArguments(this.#options, this.directory)];
    // The kernel kills QEMU when the thread that started it ends, however it ends.
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...qemu], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stdout?.on("data", (bytes: Buffer) => this.#onConsole(bytes));
    child.stderr?.on("data", (bytes: Buffer) => {
      this.#complaints = (this.#complaints + bytes.toString()).slice(-TAIL_CHARACTERS);
    });
    child.once("error", (cause) => this.#fail(`QEMU could not be started: ${cause.message}`));
    child.once("close", (code, signal) => this.#fail(`QEMU ended (${signal ?? `exit code ${code}`})`));
  }

  /** All that the guest's kernel and /init printed. */
  get console(): string {
    return this.#console;
  }

  /** Why the guest is down, if it is. */
  get crash(): RebootlessError | undefined {
    return this.#crash;
  }

  /** Called once, when the guest crashes or QEMU ends; at once if that has happened. Not called after `destroy`. */
  onCrash(listener: (error: RebootlessError) => void): void {
    if (this.#crash === undefined) this.#listeners.push(listener);
    else listener(this.#crash);
  }

  /** Kills QEMU and removes its directory. May be called again. */
  destroy(): void {
    this.#closing = true;
    clearTimeout(this.#crashTimer);
    this.#child?.kill("SIGKILL");
    running.delete(this);
    rmSync(this.directory, { recursive: true, force: true });
  }

  #onConsole(bytes: Buffer): void {
    this.#console = (this.#console + bytes.toString("latin1").replaceAll("\r", "")).slice(-CONSOLE_CAP_BYTES);
    const recent = this.#console.slice(-(bytes.length + TAIL_CHARACTERS));
    const oops = this.#options.survivesOops !== true && OOPS.test(recent);
    if (!oops && !PANIC.test(recent)) return;
    this.#crashTimer ??= setTimeout(() => this.#fail("the guest's kernel crashed"), CRASH_REPORT_MS);
  }

  #fail(reason: string): void {
    if (this.#closing || this.#crash !== undefined) return;
    if (this.#crashTimer !== undefined) clearTimeout(this.#crashTimer);
    const tail = [this.#console.slice(-TAIL_CHARACTERS), this.#complaints].filter((text) => text !== "");
    this.#crash = new RebootlessError("io", `${reason}\n${tail.join("\n")}`);
    for (const listener of this.#listeners) listener(this.#crash);
  }
}
