import { mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openInput } from "../../../publisher/kernel_files/input.ts";
import type { Agent } from "../../../publisher/try/guest/agent.ts";
import {
  BootedGuest,
  type ExecResult,
  type GuestOptions,
  startGuest,
} from "../../../publisher/try/guest/booted_guest.ts";
import type { GuestKernel } from "../../../publisher/try/guest/guest_kernel.ts";
import { neededModules } from "../../../publisher/try/guest/needed_modules.ts";
import { Qemu } from "../../../publisher/try/guest/qemu.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { type Kernel, projectRoot } from "./machine.ts";
import { type KernelText, kernelText } from "./memory.ts";

export type { ExecResult };

export interface BootOptions extends Omit<GuestOptions, "kernel" | "accelerator"> {
  readonly kernel: Kernel;
}

/** The physical address of `_text`, which the kernel chose when it booted. */
function parseKernelCode(iomem: string): number {
  const start = /^\s*([0-9a-f]+)-[0-9a-f]+ : Kernel code$/m.exec(iomem)?.[1];
  if (start !== undefined) return Number.parseInt(start, 16);
  throw new RebootlessError("parse", "/proc/iomem of the guest has no line of kernel code");
}

/** A guest whose memory tests can write, and which reaches the servers of tests. */
export class Guest extends BootedGuest {
  readonly memory: KernelText;

  constructor(qemu: Qemu, agent: Agent) {
    super(qemu, agent);
    this.memory = kernelText(join(qemu.directory, "gdb"), async () =>
      parseKernelCode(await this.mustExec(["cat", "/proc/iomem"])),
    );
  }

  /** Where the guest finds a server that listens on the host's loopback. */
  feedUrl(port: number): string {
    return `http://10.0.2.2:${port}`;
  }

  override async close(): Promise<void> {
    if (this.crash() !== undefined) keepConsole(this.console());
    await super.close();
  }
}

/** The console of a guest that went down, for whoever has to find out why. */
function keepConsole(text: string): void {
  const directory = join(projectRoot, "test-results");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `console-${process.pid}-${Date.now()}.log`), text);
}

async function guestKernel({ version, vmlinuz, modules }: Kernel): Promise<GuestKernel> {
  const files = (await openInput(modules, () => true)).modules;
  return { release: version, image: await readFile(vmlinuz), modules: files };
}

/** Boots a kernel under QEMU (emulated, never KVM). Throws `io`, with the console's tail, when it does not come up. */
export async function bootGuest(options: BootOptions): Promise<Guest> {
  const own = {
    ...options,
    kernel: await guestKernel(options.kernel),
    reachesHost: true,
    hasDebugPort: true,
  };
  const qemu = new Qemu(own);
  try {
    return new Guest(qemu, await startGuest(qemu, own));
  } catch (error) {
    const tail = qemu.console.slice(-2000);
    keepConsole(qemu.console);
    qemu.destroy();
    throw new RebootlessError("io", `the guest did not boot; its console ends with:\n${tail}`, {
      cause: error,
    });
  }
}

/** Modules of the kernel's package and what they need, unpacked, by name, in the order in which they must be loaded. */
export async function packagedModules(
  kernel: Kernel,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const modules: ReadonlyMap<string, Uint8Array> = await neededModules(
    (await guestKernel(kernel)).modules,
    wanted,
  );
  const absent = wanted.find((name) => !modules.has(name));
  if (absent === undefined) return modules;
  throw new RebootlessError("usage", `${kernel.version} has no module ${absent}`);
}
