import { basename } from "node:path";
import type { KernelLog } from "../../client/host/kernel_log.ts";
import type { Ran, System } from "../../client/host/system.ts";
import type { OpenFile } from "../../node/own_file.ts";

interface Patch {
  enabled: boolean;
  /** Milliseconds until its transition ends; 0 when it is in none. */
  left: number;
  readonly functions: readonly string[];
  /** Puts all others out once it is in. */
  replace?: boolean;
}

interface Thread {
  readonly comm: string;
  readonly patchState: string;
  readonly stack?: string;
}

/** What insmod says, and what the kernel logs with it. */
export interface Load extends Ran {
  readonly log?: readonly string[];
}

/** A file that nobody opened: the models load by names. */
export const openFile = (path: string): OpenFile => ({ path, descriptor: -1, close: () => undefined });

const OK: Ran = { code: 0, stderr: "" };
const LIVEPATCH = "/sys/kernel/livepatch";

/**
 * A small model of what the livepatch engine sees of a kernel: insmod makes a patch that is in transition for a
 * while, writing to `enabled` turns it, and a patch that is out loses its folder. Time passes in `sleep`.
 */
export class FakeSystem implements System {
  readonly patches = new Map<string, Patch>();
  readonly modules = new Set<string>();
  /** Modules that are no live patches. */
  readonly plain = new Set<string>();
  readonly ran: string[] = [];
  readonly log: string[] = [];
  openLogs = 0;
  /** By process, by thread. */
  readonly tasks = new Map<number, ReadonlyMap<number, Thread>>();
  /** Any other file. */
  readonly files = new Map([["/proc/sys/kernel/random/boot_id", "01234567-89ab-cdef-0123-456789abcdef"]]);
  /** How long transitions take; Infinity for ever. */
  transitionMs = 0;
  outMs = 0;
  /** How long a transition takes that was turned on its way. */
  turnMs = 0;
  functions: readonly string[] = ["vmlinux/cmdline_proc_show,1"];
  /** Patches that load replace all others. */
  replace = false;
  /** What the next loads come to, in order; after them all is well. */
  readonly loads: Load[] = [];
  rmmod = OK;
  /** How often rmmod finds the module in use before it goes. */
  inUse = 0;
  /** Whether a module that loads becomes a patch. */
  registers = true;
  livepatch = true;
  /** Thrown by a write, if set. */
  writeError: Error | undefined;
  /** Called before each read: for what changes under a reader. */
  beforeRead: (path: string) => void = () => undefined;
  #now = 1000;

  uptime = (): number => this.#now;

  kernelLog(): KernelLog {
    const from = this.log.length;
    this.openLogs++;
    return { lines: () => this.log.slice(from), close: () => this.openLogs-- };
  }

  async sleep(milliseconds: number): Promise<void> {
    this.#now += milliseconds;
    for (const [name, patch] of this.patches) {
      patch.left = Math.max(0, patch.left - milliseconds);
      this.#settle(name, patch);
    }
  }

  async run(file: string, args: readonly string[]): Promise<Ran> {
    this.ran.push([file, ...args].join(" "));
    const name = basename(args[0] ?? "", ".ko");
    if (file !== "rmmod") throw new Error(`nobody runs ${file}`);
    if (this.inUse > 0) {
      this.inUse--;
      return { code: 1, stderr: `rmmod: ERROR: Module ${name} is in use\n` };
    }
    if (this.rmmod.code === 0) this.modules.delete(name);
    return this.rmmod;
  }

  async load({ path }: OpenFile): Promise<Ran> {
    this.ran.push(`insmod ${path}`);
    return this.#insmod(basename(path, ".ko"));
  }

  async write(path: string, text: string): Promise<void> {
    if (this.writeError) throw this.writeError;
    const name = /^\/sys\/kernel\/livepatch\/(\w+)\/enabled$/.exec(path)?.[1] ?? "";
    const patch = this.patches.get(name);
    if (!patch || (text !== "0" && text !== "1")) throw new Error(`nobody writes ${text} to ${path}`);
    if (text === "1" && patch.left === 0) throw new Error("EINVAL: what is out stays out");
    patch.enabled = text === "1";
    patch.left = patch.left > 0 ? this.turnMs : this.outMs;
    this.#settle(name, patch);
  }

  async read(path: string): Promise<string | undefined> {
    this.beforeRead(path);
    const [, , area, , name = "", attribute] = path.split("/");
    if (path.startsWith(`${LIVEPATCH}/`)) return this.#readPatch(path, name, attribute);
    if (area === "module") return this.#readModule(path);
    const [, pid, tid, file] = /^\/proc\/(\d+)\/task\/(\d+)\/(comm|patch_state)$/.exec(path) ?? [];
    if (pid !== undefined) {
      const thread = this.tasks.get(Number(pid))?.get(Number(tid));
      return file === "comm" ? thread?.comm : thread?.patchState;
    }
    const stackOf = Number(/^\/proc\/(\d+)\/stack$/.exec(path)?.[1]);
    for (const threads of this.tasks.values()) if (threads.has(stackOf)) return threads.get(stackOf)?.stack;
    return this.files.get(path);
  }

  async list(path: string): Promise<readonly string[]> {
    if (path === "/sys/kernel") return this.livepatch ? ["kexec_loaded", "livepatch"] : ["kexec_loaded"];
    if (path === "/sys/module") return [...this.modules, ...this.plain].sort();
    if (path === LIVEPATCH) return [...this.patches.keys()].sort();
    if (path === "/proc") return ["cmdline", ...[...this.tasks.keys()].map(String), "version"];
    const pid = /^\/proc\/(\d+)\/task$/.exec(path)?.[1];
    if (pid !== undefined) return [...(this.tasks.get(Number(pid))?.keys() ?? [])].map(String);
    const [, , , , name = "", object] = path.split("/");
    const patch = this.patches.get(name);
    if (!patch) return [];
    const places = patch.functions.map((entry) => entry.split("/"));
    if (object === undefined) return ["enabled", "transition", ...new Set(places.map(([own]) => own ?? ""))];
    return places.filter(([own]) => own === object).map(([, entry]) => entry ?? "");
  }

  #insmod(name: string): Ran {
    const { log = [], ...ran }: Load = this.loads.shift() ?? OK;
    this.log.push(...log);
    if (ran.code !== 0) return ran;
    this.modules.add(name);
    if (!this.registers) return ran;
    const { transitionMs: left, functions, replace } = this;
    const patch = { enabled: true, left, functions, replace };
    this.patches.set(name, patch);
    this.#settle(name, patch);
    return ran;
  }

  #readPatch(path: string, name: string, attribute: string | undefined): string | undefined {
    const patch = this.patches.get(name);
    if (attribute === "enabled") return patch && (patch.enabled ? "1" : "0");
    if (attribute === "transition") return patch && (patch.left > 0 ? "1" : "0");
    return this.files.get(path);
  }

  #readModule(path: string): string | undefined {
    const [, name = "", attribute] = /^\/sys\/module\/(\w+)\/(\w+)$/.exec(path) ?? [];
    if (!this.modules.has(name) && !this.plain.has(name)) return undefined;
    if (attribute === "initstate") return "live";
    return attribute === "taint" ? (this.modules.has(name) ? "OEK" : "") : undefined;
  }

  #settle(name: string, patch: Patch): void {
    if (patch.left > 0) return;
    if (!patch.enabled) this.patches.delete(name);
    else if (patch.replace) {
      for (const other of [...this.patches.keys()]) if (other !== name) this.patches.delete(other);
      patch.replace = false;
    }
  }
}
