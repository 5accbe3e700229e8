import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RebootlessError } from "../../../shared/errors.ts";
import { Agent } from "./agent.ts";
import { type GuestFile, writeInitramfs } from "./initramfs.ts";
import { projectRoot } from "./machine.ts";
import { type KernelText, kernelText } from "./memory.ts";
import { Qemu, type QemuOptions } from "./qemu.ts";
import { connectUnix } from "./unix_socket.ts";

export interface BootOptions extends QemuOptions {
  /** Put into the guest before it boots. */
  readonly files?: readonly GuestFile[];
  /** Modules of the kernel's package that are loaded at boot, with what they need. */
  readonly modules?: readonly string[];
  readonly bootTimeoutMs?: number;
}

export interface ExecOptions {
  /** 60 s unless told. */
  readonly timeoutMs?: number;
  /** Added to the guest's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ExecResult {
  /** 128 and the signal's number when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Wall-clock time here. */
  readonly ms: number;
}

/** A booted guest. Every method that waits throws `io`, with the console's tail, when the guest goes down. */
export interface Guest {
  /** Runs a program (an array) or a shell script (a string) as root in /root. A bad exit code is a result. */
  exec(command: readonly string[] | string, options?: ExecOptions): Promise<ExecResult>;
  /** Like `exec`; any exit code other than 0 throws `io`. Returns stdout. */
  mustExec(command: readonly string[] | string, options?: ExecOptions): Promise<string>;
  putFile(path: string, content: Uint8Array | string, mode?: number): Promise<void>;
  getFile(path: string): Promise<Buffer>;
  /** Where the guest finds a server that listens on the host's loopback. */
  feedUrl(port: number): string;
  readonly memory: KernelText;
  /** What the kernel and /init printed so far. */
  console(): string;
  /** Why the guest is down, if it is. */
  crash(): RebootlessError | undefined;
  close(): Promise<void>;
}

const BOOT_TIMEOUT_MS = 120_000;
const EXEC_TIMEOUT_MS = 60_000;
const FILE_TIMEOUT_MS = 120_000;

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function scriptOf(command: readonly string[] | string, env: Readonly<Record<string, string>>): string {
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}\n`);
  const body = typeof command === "string" ? command : `exec ${command.map(quote).join(" ")}`;
  return `${exports.join("")}${body}\n`;
}

/** The physical address of `_text`, which the kernel chose when it booted. */
function parseKernelCode(iomem: string): number {
  const start = /^\s*([0-9a-f]+)-[0-9a-f]+ : Kernel code$/m.exec(iomem)?.[1];
  if (start !== undefined) return Number.parseInt(start, 16);
  throw new RebootlessError("parse", "/proc/iomem of the guest has no line of kernel code");
}

class BootedGuest implements Guest {
  readonly memory: KernelText;
  readonly #qemu: Qemu;
  readonly #agent: Agent;

  constructor(qemu: Qemu, agent: Agent) {
    this.#qemu = qemu;
    this.#agent = agent;
    this.memory = kernelText(join(qemu.directory, "gdb"), async () =>
      parseKernelCode(await this.mustExec(["cat", "/proc/iomem"])),
    );
  }

  async exec(command: readonly string[] | string, options: ExecOptions = {}): Promise<ExecResult> {
    const startedAt = performance.now();
    const script = scriptOf(command, options.env ?? {});
    const answer = await this.#agent.run(script, options.timeoutMs ?? EXEC_TIMEOUT_MS);
    const ms = Math.round(performance.now() - startedAt);
    return { code: answer.code, stdout: `${answer.stdout}`, stderr: `${answer.stderr}`, ms };
  }

  async mustExec(command: readonly string[] | string, options: ExecOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.exec(command, options);
    if (code === 0) return stdout;
    const what = typeof command === "string" ? command : command.join(" ");
    throw new RebootlessError("io", `exit code ${code} from the guest's ${what}\n${stdout}${stderr}`);
  }

  async putFile(path: string, content: Uint8Array | string, mode = 0o644): Promise<void> {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    const { code, stderr } = await this.#agent.put(path, bytes, mode, FILE_TIMEOUT_MS);
    if (code !== 0) throw new RebootlessError("io", `${path} was not written in the guest: ${stderr}`);
  }

  async getFile(path: string): Promise<Buffer> {
    const { code, stdout, stderr } = await this.#agent.run(`exec cat ${quote(path)}\n`, FILE_TIMEOUT_MS);
    if (code !== 0) throw new RebootlessError("io", `${path} was not read in the guest: ${stderr}`);
    return stdout;
  }

  feedUrl(port: number): string {
    return `http://10.0.2.2:${port}`;
  }

  console(): string {
    return this.#qemu.console;
  }

  crash(): RebootlessError | undefined {
    return this.#qemu.crash;
  }

  async close(): Promise<void> {
    if (this.#qemu.crash !== undefined) keepConsole(this.#qemu.console);
    this.#agent.close();
    this.#qemu.destroy();
  }
}

/** The console of a guest that went down, for whoever has to find out why. */
function keepConsole(text: string): void {
  const directory = join(projectRoot, "test-results");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `console-${process.pid}-${Date.now()}.log`), text);
}

async function start(qemu: Qemu, options: BootOptions): Promise<Guest> {
  const timeoutMs = options.bootTimeoutMs ?? BOOT_TIMEOUT_MS;
  const { kernel, files = [], modules } = options;
  await writeInitramfs(join(qemu.directory, "initramfs"), kernel, files, modules);
  qemu.start();
  const agent = new Agent(await connectUnix(join(qemu.directory, "agent"), timeoutMs));
  qemu.onCrash((error) => agent.fail(error));
  await agent.ready(timeoutMs);
  return new BootedGuest(qemu, agent);
}

/** Boots a kernel under QEMU (emulated, never KVM). Throws `io`, with the console's tail, when it does not come up. */
export async function bootGuest(options: BootOptions): Promise<Guest> {
  const qemu = new Qemu(options);
  try {
    return await start(qemu, options);
  } catch (error) {
    const tail = qemu.console.slice(-2000);
    keepConsole(qemu.console);
    qemu.destroy();
    throw new RebootlessError("io", `the guest did not boot; its console ends with:\n${tail}`, {
      cause: error,
    });
  }
}
