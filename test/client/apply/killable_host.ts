import { readFileSync } from "node:fs";
import { applyAgain } from "../../../client/apply/apply_again.ts";
import type { HostJournal } from "../../../client/apply/host_journal.ts";
import { hostState } from "../../../client/apply/host_state.ts";
import { recoverInterrupted } from "../../../client/apply/recover_interrupted.ts";
import type { Result } from "../../../client/apply/result.ts";
import { undoUpdates } from "../../../client/apply/undo.ts";
import { type UpgradeParts, upgradeKernel } from "../../../client/apply/upgrade.ts";
import type { Wish } from "../../../client/apply/upgrade_parts.ts";
import { engines } from "../../../client/engines/engines.ts";
import type { InstalledModule } from "../../../client/host/module_files.ts";
import type { RunningModules } from "../../../client/host/modules.ts";
import type { Ran, System } from "../../../client/host/system.ts";
import type { JournalFile } from "../../../client/journal/file.ts";
import type { Ledger } from "../../../client/journal/ledger.ts";
import type { TrustDir } from "../../../client/trust/trust_dir.ts";
import type { OpenFile } from "../../../node/own_file.ts";
import type { BuildId } from "../../../shared/brand.ts";
import { artifactPath } from "../../../shared/feed/paths.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { FakeSystem } from "../../support/fake_system.ts";
import { MemoryFeed } from "../../support/memory_feed.ts";
import { MemoryFile, memoryJournal } from "../journal/memory_file.ts";
import { boot } from "../journal/sample.ts";
import { FakeMemory, FUNCTIONS, landmarks, moduleOf } from "./kernel.ts";

/** kill -9, or the power gone. */
export class Killed extends Error {}

/** A kernel that loads the modules of updates by their bytes, as insmod does. */
class Kernel extends FakeSystem {
  updates: readonly Update[] = [];
  override transitionMs = 120;
  override outMs = 120;

  override async load(file: OpenFile): Promise<Ran> {
    const bytes = readFileSync(`/proc/self/fd/${file.descriptor}`);
    const update = this.updates.find(({ id }) => bytes.equals(moduleOf(id)));
    if (!update) throw new Error(`${file.path} is no module of ours`);
    this.functions = functionsOf(update);
    this.replace = update.replace;
    return super.load({ ...file, path: `${update.module.name}.ko` });
  }
}

const functionsOf = (update: Update): readonly string[] =>
  update.objects.flatMap(({ name, functions }) => functions.map((fn) => `${name}/${fn.name},1`));

/** A host on which a client can be killed before any of its steps. What the kernel and the disk have stays. */
export class KillableHost {
  kernel = new Kernel();
  /** Asks the run to end. */
  stop = new AbortController();
  readonly disk = new MemoryFile();
  readonly feed = new MemoryFeed();
  readonly results: Result[] = [];
  /** What modprobe would load. */
  readonly moduleFiles = new Map<string, InstalledModule>();
  /** Builds of modules that are loaded and no live patches. */
  readonly builds = new Map<string, BuildId>();
  /** Steps until the client is killed. */
  left = Number.POSITIVE_INFINITY;
  /** Steps until the client is asked to end. */
  stopsIn = Number.POSITIVE_INFINITY;
  steps = 0;
  #boot = 1;
  readonly #directory: TrustDir;
  updates: readonly Update[];

  constructor(directory: TrustDir, updates: readonly Update[]) {
    this.#directory = directory;
    this.updates = updates;
    for (const { id, module } of updates) this.feed.files.set(artifactPath(module.sha256), moduleOf(id));
  }

  /** Somebody else's live patch, or one of ours that somebody else loaded. */
  loadByHand(name: string, functions: readonly string[] = ["vmlinux/other,1"]): void {
    this.kernel.modules.add(name);
    this.kernel.patches.set(name, { enabled: true, left: 0, functions });
  }

  /** The power goes, and comes back. */
  reboot(): void {
    this.kernel = new Kernel();
    this.#boot++;
  }

  upgrade(wish: Partial<Wish> = {}): Promise<readonly Result[]> {
    return this.#run((parts) => upgradeKernel({ ...parts, wish: { ...parts.wish, ...wish } }));
  }

  boot(): Promise<readonly Result[]> {
    return this.#run(applyAgain);
  }

  undoAll(): Promise<readonly Result[]> {
    return this.#run(async (parts) => {
      const { kernel, offer } = parts;
      const run = { ...parts.run, journal: await parts.run.journal.open() };
      await recoverInterrupted(kernel, offer.updates, run);
      const state = hostState(offer, await kernel.engines.loaded());
      const there = state.updates.filter(({ state: now }) => now !== "available" && now !== "recalled");
      const ids = new Set(there.map(({ update }) => update.id));
      await undoUpdates({ ...parts, run }, ids, ids, () => "as you asked");
    });
  }

  async ledger(): Promise<Ledger> {
    return (await memoryJournal(this.disk, boot(this.#boot)).read()).ledger;
  }

  /** By module name, what the kernel has in force; everything else must be gone. */
  inForce(): readonly string[] {
    const patches = [...this.kernel.patches].filter(([, patch]) => patch.enabled && patch.left === 0);
    return patches.map(([name]) => name).sort();
  }

  async #run(action: (parts: UpgradeParts) => Promise<void>): Promise<readonly Result[]> {
    this.results.length = 0;
    this.kernel.updates = this.updates;
    const system = this.#killable<System>(this.kernel);
    const file = this.#killable<JournalFile>(this.disk);
    const journal: HostJournal = memoryJournal(file, boot(this.#boot));
    await action({
      kernel: {
        engines: engines({ system, stop: this.stop.signal }),
        system,
        memory: () => this.#memory(),
        modules: () => this.#modules(),
        moduleFile: async (name) => this.moduleFiles.get(name),
      },
      offer: { updates: this.updates, landmarks, feed: this.feed, directory: this.#directory },
      wish: {
        asked: undefined,
        withheld: new Map(),
        replaceOthers: false,
        recall: "hold",
        partial: false,
        dryRun: false,
      },
      run: {
        journal,
        report: async (result) => void this.results.push(result),
        progress: () => undefined,
        stop: this.stop.signal,
        begin: async () => undefined,
      },
    });
    return [...this.results];
  }

  /**
   * Each call that changes something, or lets time pass, is a step: to be killed while it reads is the same as before the
   * next of them. Once killed it makes no call any more; a write to the disk is torn.
   */
  #killable<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (of, name) => {
        const member: unknown = Reflect.get(of, name, of);
        if (typeof member !== "function" || name === "uptime" || name === "kernelLog") {
          return typeof member === "function" ? member.bind(of) : member;
        }
        return async (...args: unknown[]): Promise<unknown> => {
          const reads = name === "read" || name === "list";
          if (!reads) this.steps++;
          if (!reads && this.stopsIn-- === 0) this.stop.abort("SIGTERM");
          if (reads ? this.left >= 0 : this.left-- > 0) return member.apply(of, args);
          if (of === this.disk && name === "write" && this.left === -1) {
            this.disk.left = (args[1] as Uint8Array).length >> 1;
            await this.disk.write(args[0] as number, args[1] as Uint8Array).catch(() => undefined);
            this.disk.left = Number.POSITIVE_INFINITY;
          }
          throw new Killed();
        };
      },
    });
  }

  /** Loads a module that is no live patch. */
  load(name: string, build: BuildId): void {
    this.kernel.plain.add(name);
    this.builds.set(name, build);
  }

  #modules(): RunningModules {
    const here = { section: () => undefined, symbol: () => undefined, imported: () => undefined };
    return {
      names: () => [],
      find: (name) =>
        this.kernel.plain.has(name) ? { name, buildId: this.builds.get(name), ...here } : undefined,
    };
  }

  #memory(): FakeMemory {
    const memory = new FakeMemory();
    for (const name of FUNCTIONS) {
      const patched = [...this.kernel.patches.values()].some(({ functions }) =>
        functions.includes(`vmlinux/${name},1`),
      );
      if (patched) memory.attach(name);
    }
    return memory;
  }
}
