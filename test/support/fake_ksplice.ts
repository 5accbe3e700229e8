import { basename } from "node:path";
import type { KernelLog } from "../../client/host/kernel_log.ts";
import type { Ran, System } from "../../client/host/system.ts";
import type { OpenFile } from "../../node/own_file.ts";

/** What a request for `applied` or `reversed` comes to, and how long the kernel tries. */
export interface Try {
  readonly abort?: string;
  readonly conflicts?: string;
  readonly ms?: number;
}

const OK: Ran = { code: 0, stderr: "" };
const FAILED: Ran = { code: 1, stderr: "rmmod: ERROR: Module is in use\n" };

/**
 * A model of Ksplice's interface, from its facts: an update is there when an old module loads, stages follow each other,
 * a failed request changes the abort cause alone, a new module stays while its code is in force, and `cleanup` takes a moment.
 */
export class FakeKsplice implements System {
  readonly kid: string;
  readonly integrated: boolean;
  /** Loaded, in order. */
  modules: string[] = ["vmlinux_settings"];
  readonly did: string[] = [];
  /** What the next requests come to, in order; after them all is well. */
  readonly tries: Try[] = [];
  /** Modules that the kernel refuses. */
  readonly refuses = new Set<string>();
  /** Modules that do not go. */
  readonly stuck = new Set<string>();
  readonly files = new Map<string, string>();
  /** Files that cannot be read, as under lockdown, or written. */
  readonly broken = new Set<string>();
  readonly log: string[] = [];
  cleanupMs = 250;
  stage: string | undefined;
  #abort = "ok";
  #conflicts = "";
  #goesAt = Number.POSITIVE_INFINITY;
  #now = 1000;

  constructor(integrated: boolean, kid = "ab12cd34") {
    this.integrated = integrated;
    this.kid = kid;
  }

  get folder(): string {
    return this.integrated ? `/sys/kernel/ksplice/${this.kid}` : `/sys/module/ksplice_${this.kid}/ksplice`;
  }

  uptime = (): number => this.#now;

  kernelLog(): KernelLog {
    const from = this.log.length;
    return { lines: () => this.log.slice(from), close: () => undefined };
  }

  async sleep(milliseconds: number): Promise<void> {
    this.#now += milliseconds;
    if (this.#now >= this.#goesAt) this.stage = undefined;
  }

  async run(program: string, [argument = ""]: readonly string[]): Promise<Ran> {
    const name = basename(argument, ".ko");
    this.did.push(`${program} ${name}`);
    return this.#rmmod(name);
  }

  async load({ path }: OpenFile): Promise<Ran> {
    const name = basename(path, ".ko");
    this.did.push(`insmod ${name}`);
    return this.#insmod(name);
  }

  async write(path: string, text: string): Promise<void> {
    this.did.push(`${basename(path)}=${text}`);
    if (this.broken.has(path)) throw new Error(`EIO: i/o error, write ${path}`);
    if (path !== `${this.folder}/stage`) return;
    if (text === "cleanup" && this.stage === "reversed") this.#goesAt = this.#now + this.cleanupMs;
    if (text === "applied" && this.stage === "preparing") this.#try(text);
    if (text === "reversed" && this.stage === "applied") this.#try(text);
  }

  async read(path: string): Promise<string | undefined> {
    if (this.broken.has(path)) throw new Error(`EPERM: operation not permitted, read ${path}`);
    const module = /^\/sys\/module\/(\w+)\/initstate$/.exec(path)?.[1];
    if (module !== undefined) return this.modules.includes(module) ? "live" : undefined;
    if (path.startsWith(`${this.folder}/`) && this.stage === undefined) return undefined;
    if (path === `${this.folder}/stage`) return this.stage;
    if (path === `${this.folder}/abort_cause`) return this.#abort;
    if (path === `${this.folder}/conflicts`) return this.#conflicts;
    return this.files.get(path);
  }

  async list(path: string): Promise<readonly string[]> {
    if (path === "/sys/module") return [...this.modules].sort();
    if (path === "/sys/kernel") return this.integrated ? ["ksplice", "mm"] : ["mm"];
    if (path === "/sys/kernel/ksplice") return this.integrated && this.stage !== undefined ? [this.kid] : [];
    throw new Error(`nobody lists ${path}`);
  }

  #insmod(name: string): Ran {
    if (this.refuses.has(name)) {
      return {
        code: 1,
        stderr: `insmod: ERROR: could not insert module ${name}.ko: Invalid module format\n`,
      };
    }
    this.modules.push(name);
    if (name.endsWith("_old")) this.stage ??= "preparing";
    return OK;
  }

  #rmmod(name: string): Ran {
    const parts = this.modules.filter((m) => m.startsWith(`ksplice_${this.kid}_`));
    const inForce = name.endsWith("_new") && this.stage === "applied";
    const stoodOn =
      name === `ksplice_${this.kid}` &&
      (parts.length > 0 || this.stage === "applied" || this.stage === "reversed");
    if (inForce || stoodOn || this.stuck.has(name)) return FAILED;
    this.modules = this.modules.filter((m) => m !== name);
    const left = this.modules.some((m) => m.startsWith(`ksplice_${this.kid}_`));
    if (this.stage === "preparing" && !left) this.stage = undefined;
    return OK;
  }

  #try(stage: string): void {
    const { abort, conflicts = "", ms = 40 } = this.tries.shift() ?? {};
    this.#now += ms;
    this.#abort = abort ?? "ok";
    this.#conflicts = conflicts;
    if (abort === undefined) this.stage = stage;
  }
}
