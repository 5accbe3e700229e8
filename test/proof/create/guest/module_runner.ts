import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { problemsIn } from "../../../../publisher/try/kernel_log.ts";
import { LoadDisk } from "../../../../publisher/try/load_disk.ts";
import { LOAD_IN_GUEST, SYSTEM_LOAD } from "../../../../publisher/try/system_load.ts";
import { bootGuest, type Guest, packagedModules } from "../../../support/guest/guest.ts";
import type { Kernel } from "../../../support/guest/machine.ts";

/** A module that `create` made. */
export interface MadeModule {
  /** As sysfs has it. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The modules of the kernel's package that it changes; none if it changes the kernel proper alone. */
  readonly targets: readonly string[];
  /** A shell script whose output the module is to change: run before, while it is applied, and after. */
  readonly observe?: string;
}

/** When the modules that are changed were loaded: never (there are none), before the patch, or after it. */
export type TargetOrder = "none" | "before" | "after";

/** What became of one module in one order. */
export interface Trial {
  readonly name: string;
  readonly order: TargetOrder;
  /** Its transition ended, and in every target that was loaded its functions are in use. */
  readonly loaded: boolean;
  /** It was disabled, its transition ended, and it was removed. */
  readonly undone: boolean;
  /** What went wrong, in order: the step that failed, the kernel's words. Empty: nothing. */
  readonly problems: readonly string[];
  /** What the module's script printed, as far as the trial came. */
  readonly seen: Seen;
  readonly ms: number;
}

export type Seen = Readonly<Partial<Record<"before" | "during" | "after", string>>>;

const STEP_TIMEOUT_MS = 180_000;
const script = join(dirname(fileURLToPath(import.meta.url)), "prove.sh");

/**
 * Loads modules into a booted kernel, one after the other: apply, a smoke load, undo. A guest that is down, or whose kernel
 * said that something is wrong, is replaced by a new one, and the rest goes on there.
 */
export class ModuleRunner {
  readonly #kernel: Kernel;
  readonly #disk = new LoadDisk();
  #guest: Guest | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Every order that makes sense for the module. */
  async try(module: MadeModule): Promise<readonly Trial[]> {
    if (module.targets.length === 0) return [await this.#try(module, "none")];
    return [await this.#try(module, "before"), await this.#try(module, "after")];
  }

  /** A guest in good order, booted if need be. */
  async guest(): Promise<Guest> {
    this.#guest ??= await bootGuest({
      kernel: this.#kernel,
      disks: [this.#disk.path],
      files: [
        { path: "/root/prove.sh", content: { from: script }, mode: 0o755 },
        { path: LOAD_IN_GUEST, content: SYSTEM_LOAD },
      ],
    });
    return this.#guest;
  }

  async close(): Promise<void> {
    await this.#guest?.close();
    this.#disk.remove();
  }

  async #try(module: MadeModule, order: TargetOrder): Promise<Trial> {
    const started = performance.now();
    const trial = new Steps(await this.guest(), module, await packagedModules(this.#kernel, module.targets));
    const problems: string[] = [];
    try {
      await trial.take(order);
    } catch (error) {
      problems.push(error instanceof Error ? error.message.slice(-2000) : String(error));
    }
    problems.push(...(await this.#log()));
    if (problems.length > 0) await this.#drop();
    const { loaded, undone, seen } = trial;
    const ms = Math.round(performance.now() - started);
    return { name: module.name, order, loaded, undone, problems, seen, ms };
  }

  /** What the kernel said of the trial; a guest that is down says it on its console. */
  async #log(): Promise<readonly string[]> {
    const guest = await this.guest();
    const crash = guest.crash();
    if (crash !== undefined) return [crash.message.slice(0, 4000)];
    const answer = await guest.exec("/root/prove.sh log").catch(() => undefined);
    return problemsIn(answer?.stdout ?? guest.console());
  }

  async #drop(): Promise<void> {
    await this.#guest?.close();
    this.#guest = undefined;
  }
}

/** The steps of one trial, which end with an error at the first that fails. */
class Steps {
  loaded = false;
  undone = false;
  seen: Seen = {};
  readonly #guest: Guest;
  readonly #module: MadeModule;
  readonly #files: ReadonlyMap<string, Uint8Array>;

  /** @param files of the targets and what they need, by name, in the order in which they are loaded. */
  constructor(guest: Guest, module: MadeModule, files: ReadonlyMap<string, Uint8Array>) {
    this.#guest = guest;
    this.#module = module;
    this.#files = files;
  }

  async take(order: TargetOrder): Promise<void> {
    const { name, bytes } = this.#module;
    await this.#guest.putFile(`/root/made/${name}.ko`, bytes);
    await this.#prove("log");
    if (order === "before") await this.#loadTargets();
    this.seen = { before: await this.#observe() };
    await this.#prove("apply", name);
    if (order === "after") {
      await this.#expectPatched("0");
      await this.#loadTargets();
    }
    await this.#expectPatched("1");
    this.loaded = true;
    this.seen = { ...this.seen, during: await this.#observe() };
    await this.#load();
    await this.#prove("undo", name);
    this.undone = true;
    this.seen = { ...this.seen, after: await this.#observe() };
    await this.#unloadTargets();
    await this.#guest.mustExec(["rm", `/root/made/${name}.ko`]);
  }

  async #prove(...words: readonly string[]): Promise<void> {
    const { code, stderr } = await this.#guest.exec(["/root/prove.sh", ...words], {
      timeoutMs: STEP_TIMEOUT_MS,
    });
    if (code !== 0) throw new Error(`${words[0]}: ${stderr.trim()}`);
  }

  async #load(): Promise<void> {
    const { code, stderr } = await this.#guest.exec(["sh", LOAD_IN_GUEST], { timeoutMs: STEP_TIMEOUT_MS });
    if (code !== 0) throw new Error(`load: ${stderr.trim()}`);
  }

  async #observe(): Promise<string> {
    const { observe } = this.#module;
    return observe === undefined ? "" : (await this.#guest.exec(observe)).stdout;
  }

  async #loadTargets(): Promise<void> {
    for (const [name, bytes] of this.#files) {
      if ((await this.#guest.exec(["test", "-e", `/sys/module/${name}`])).code === 0) continue;
      await this.#guest.putFile("/tmp/target.ko", bytes);
      const { code, stderr } = await this.#guest.exec(["insmod", "/tmp/target.ko"]);
      if (code !== 0) throw new Error(`the target ${name} does not load: ${stderr.trim()}`);
    }
  }

  /** In the reverse order; what others need by now stays. */
  async #unloadTargets(): Promise<void> {
    for (const name of [...this.#files.keys()].reverse()) await this.#guest.exec(["rmmod", name]);
    for (const name of this.#module.targets) {
      const { code } = await this.#guest.exec(["test", "-e", `/sys/module/${name}`]);
      if (code === 0) throw new Error(`the target ${name} cannot be removed afterwards`);
    }
  }

  async #expectPatched(value: "0" | "1"): Promise<void> {
    for (const target of this.#module.targets) {
      const path = `/sys/kernel/livepatch/${this.#module.name}/${target}/patched`;
      const found = (await this.#guest.mustExec(["cat", path])).trim();
      if (found !== value) throw new Error(`${target}/patched is ${found}, not ${value}`);
    }
  }
}
