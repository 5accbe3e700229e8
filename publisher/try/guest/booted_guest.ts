import { join } from "node:path";
import { RebootlessError } from "../../../shared/errors.ts";
import { Agent } from "./agent.ts";
import { type GuestFile, writeInitramfs } from "./initramfs.ts";
import { Qemu, type QemuOptions } from "./qemu.ts";
import { requirePrograms } from "./required_programs.ts";
import { connectUnix } from "./unix_socket.ts";

export interface GuestOptions extends QemuOptions {
  /** Put into the guest before it boots. */
  readonly files?: readonly GuestFile[];
  /** Modules of the kernel's package that are loaded at boot, with what they need. */
  readonly modules?: readonly string[];
  readonly bootTimeoutMs?: number;
}

export interface ExecOptions {
  /** The default is 60 s. */
  readonly timeoutMs?: number;
  /** Added to the guest's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ExecResult {
  /** The exit code; 128 and the signal's number if a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Wall-clock time on this machine. */
  readonly ms: number;
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

/** A booted guest. Every method that waits throws `io`, with the console's tail, when the guest goes down. */
export class BootedGuest {
  readonly #qemu: Qemu;
  readonly #agent: Agent;

  constructor(qemu: Qemu, agent: Agent) {
    this.#qemu = qemu;
    this.#agent = agent;
  }

  /** Runs a program (an array) or a shell script (a string) as root in /root. A bad exit code is a result. */
  async exec(command: readonly string[] | string, options: ExecOptions = {}): Promise<ExecResult> {
    const startedAt = performance.now();
    const script = scriptOf(command, options.env ?? {});
    const answer = await this.#agent.run(script, options.timeoutMs ?? EXEC_TIMEOUT_MS);
    const ms = Math.round(performance.now() - startedAt);
    return { code: answer.code, stdout: `${answer.stdout}`, stderr: `${answer.stderr}`, ms };
  }

  /** Does what `exec` does; any exit code other than 0 throws `io`. Returns stdout. */
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

  /** Returns what the kernel and /init printed so far. */
  console(): string {
    return this.#qemu.console;
  }

  /** Returns why the guest is down, if it is. */
  crash(): RebootlessError | undefined {
    return this.#qemu.crash;
  }

  async close(): Promise<void> {
    this.#agent.close();
    this.#qemu.destroy();
  }
}

/**
 * Starts a machine and waits until its agent serves commands. If that fails, the machine is left to the caller, who may
 * read its console.
 * @throws RebootlessError `io` if the guest does not come up in time; `unsupported` if a program is missing here.
 */
export async function startGuest(qemu: Qemu, options: GuestOptions): Promise<Agent> {
  const timeoutMs = options.bootTimeoutMs ?? BOOT_TIMEOUT_MS;
  const { kernel, files = [], modules } = options;
  await requirePrograms();
  await writeInitramfs(join(qemu.directory, "initramfs"), kernel, files, modules);
  qemu.start();
  const ended = new Promise<never>((_resolve, reject) => qemu.onCrash(reject));
  ended.catch(() => undefined); // when the guest is up, its agent passes this on
  const socket = connectUnix(join(qemu.directory, "agent"), timeoutMs);
  const agent = new Agent(await Promise.race([socket, ended]));
  qemu.onCrash((error) => agent.fail(error));
  await agent.ready(timeoutMs);
  return agent;
}

/** Boots a kernel under QEMU. @throws RebootlessError `io`, with the console's tail, as `startGuest`. */
export async function bootMachine(options: GuestOptions): Promise<BootedGuest> {
  const qemu = new Qemu(options);
  try {
    return new BootedGuest(qemu, await startGuest(qemu, options));
  } catch (error) {
    const tail = qemu.console.slice(-2000);
    qemu.destroy();
    if (error instanceof RebootlessError && error.code === "unsupported") throw error;
    throw new RebootlessError("io", "the guest did not boot", {
      cause: error,
      output: tail.split("\n"),
    });
  }
}
