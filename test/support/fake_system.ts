import { basename } from "node:path";
import type { Ran, System } from "../../client/host/system.ts";

interface Patch {
  enabled: boolean;
  /** Milliseconds until its transition ends; 0 when it is in none. */
  left: number;
  readonly functions: readonly string[];
}

interface Thread {
  readonly comm: string;
  readonly patchState: string;
}

const OK: Ran = { code: 0, stderr: "" };
const LIVEPATCH = "/sys/kernel/livepatch";

/**
 * A small model of what the livepatch engine sees of a kernel: insmod makes a patch that is in transition for a
 * while, writing 0 to `enabled` sends it back, and a patch that is out loses its folder. Time passes in `sleep`.
 */
export class FakeSystem implements System {
  readonly patches = new Map<string, Patch>();
  readonly modules = new Set<string>();
  readonly ran: string[] = [];
  /** By process, by thread. */
  readonly tasks = new Map<number, ReadonlyMap<number, Thread>>();
  /** How long transitions take; Infinity for ever. */
  transitionMs = 0;
  reversalMs = 0;
  functions: readonly string[] = ["vmlinux/cmdline_proc_show,1"];
  insmod = OK;
  rmmod = OK;
  /** Whether a module that loads becomes a patch. */
  registers = true;
  livepatch = true;
  /** Thrown by a write, if set. */
  writeError: Error | undefined;
  /** Called before each read: for what changes under a reader. */
  beforeRead: (path: string) => void = () => undefined;
  #now = 1000;

  uptime = (): number => this.#now;

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
    if (file === "insmod") {
      if (this.insmod.code !== 0) return this.insmod;
      this.modules.add(name);
      if (this.registers) {
        this.patches.set(name, { enabled: true, left: this.transitionMs, functions: this.functions });
      }
      return OK;
    }
    if (file !== "rmmod") throw new Error(`nobody runs ${file}`);
    if (this.rmmod.code === 0) this.modules.delete(name);
    return this.rmmod;
  }

  async write(path: string, text: string): Promise<void> {
    if (this.writeError) throw this.writeError;
    const name = /^\/sys\/kernel\/livepatch\/(\w+)\/enabled$/.exec(path)?.[1] ?? "";
    const patch = this.patches.get(name);
    if (!patch || text !== "0") throw new Error(`nobody writes ${text} to ${path}`);
    patch.enabled = false;
    patch.left = this.reversalMs;
    this.#settle(name, patch);
  }

  async read(path: string): Promise<string | undefined> {
    this.beforeRead(path);
    const [, , , , name = "", attribute] = path.split("/");
    if (path.startsWith(`${LIVEPATCH}/`)) {
      const patch = this.patches.get(name);
      if (attribute === "enabled") return patch && (patch.enabled ? "1" : "0");
      if (attribute === "transition") return patch && (patch.left > 0 ? "1" : "0");
      return undefined;
    }
    const [, pid, tid, file] = /^\/proc\/(\d+)\/task\/(\d+)\/(comm|patch_state|stack)$/.exec(path) ?? [];
    const thread = this.tasks.get(Number(pid))?.get(Number(tid));
    if (file === "stack") return undefined;
    return file === "comm" ? thread?.comm : thread?.patchState;
  }

  async list(path: string): Promise<readonly string[]> {
    if (path === "/sys/kernel") return this.livepatch ? ["kexec_loaded", "livepatch"] : ["kexec_loaded"];
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

  #settle(name: string, patch: Patch): void {
    if (!patch.enabled && patch.left === 0) this.patches.delete(name);
  }
}
