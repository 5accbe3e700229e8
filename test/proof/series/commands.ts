import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { openKernelImage } from "../../../publisher/image/kernel_image.ts";
import { WRITTEN_LINE } from "../../publisher/create/module/written_module.ts";
import type { Kernel } from "../../support/guest/machine.ts";
import type { Host } from "../guest/host.ts";
import { comparedSymbols } from "./compared_symbols.ts";

/** The update in the feed, and its module. */
export const UPDATE = "written-1";
export const MODULE = "rebootless_written";
/** An atomic replace that is not from the feed. */
export const FOREIGN = "rebootless_foreign";
export const FOREIGN_FILE = `/root/${FOREIGN}.ko`;
export const FINGERPRINTS_FILE = "/root/kernel.fp";

/** The machine that commands are run on, before the first of which nothing is set up. */
export interface Scene {
  readonly kernel: Kernel;
  readonly host: Host;
  /** The number of functions in the fingerprint file. */
  readonly functions: number;
  /** What /proc/version says as the kernel was shipped. */
  readonly version: string;
}

/** One command of the host, or one interface of the kernel, and what it must come to. */
export interface Command {
  readonly name: string;
  readonly run: (scene: Scene) => Promise<void>;
}

/** In this order: each goes on with what the one before left. */
export const COMMANDS: readonly Command[] = [
  {
    name: "kallsyms",
    async run({ kernel, host }) {
      const { symbols } = openKernelImage(await readFile(kernel.vmlinuz));
      const listed = await host.guest.getFile("/proc/kallsyms");
      assert.deepEqual(comparedSymbols(symbols.all, listed.toString("latin1")), []);
    },
  },
  { name: "init", run: ({ host }) => host.setUp() },
  { name: "doctor", run: async ({ host }) => void (await host.must("doctor")) },
  { name: "verify --kernel", run: (scene) => verifyKernel(scene, []) },
  { name: "status, with a foreign patch", run: tellForeign },
  {
    name: "check",
    async run({ host }) {
      const { json } = await host.must("check");
      assert.deepEqual(json["available"], [UPDATE]);
    },
  },
  {
    name: "upgrade",
    async run({ host }) {
      assert.deepEqual(resultsOf((await host.must("upgrade")).json), { [UPDATE]: "applied" });
      await expectPatched(host);
    },
  },
  {
    name: "status",
    async run({ host }) {
      assert.deepEqual(await host.states(), { [UPDATE]: "applied" });
      const { json } = await host.must("status");
      assert.deepEqual(json["foreign"], []);
    },
  },
  {
    name: "uname",
    async run({ kernel, host }) {
      const { json } = await host.must("uname");
      assert.equal(json["release"], kernel.version);
    },
  },
  { name: "verify", run: async ({ host }) => void (await host.must("verify", UPDATE)) },
  { name: "verify --kernel, patched", run: (scene) => verifyKernel(scene, ["version_proc_show"]) },
  { name: "boot", run: applyAgain },
  {
    name: "undo",
    async run({ host, version }) {
      assert.deepEqual(resultsOf((await host.must("undo", UPDATE)).json), { [UPDATE]: "undone" });
      assert.equal(await host.read("/proc/version"), version);
      await host.expectUntouched();
    },
  },
];

async function expectPatched(host: Host): Promise<void> {
  assert.equal(await host.read("/proc/version"), WRITTEN_LINE);
  assert.deepEqual(await host.patches(), [{ name: MODULE, enabled: true, transition: false }]);
}

/** All functions match, but those that are replaced, and these are explained. */
async function verifyKernel({ host, functions }: Scene, replaced: readonly string[]): Promise<void> {
  const { json } = await host.must("verify", "--kernel", "--fingerprints", FINGERPRINTS_FILE);
  const differing = json["differing"] as readonly { readonly function: string; readonly why: string }[];
  assert.deepEqual(
    differing.map((one) => [one.function, one.why]),
    replaced.map((name) => [name, "livepatched"]),
  );
  assert.equal(json["functions"], functions);
  assert.equal(json["matched"], functions - replaced.length);
}

/** Since Linux 6.11 the kernel says whether a patch is an atomic replace; before, nothing is known. */
async function tellForeign({ host }: Scene): Promise<void> {
  await host.guest.mustExec(["insmod", FOREIGN_FILE]);
  await settled(host, FOREIGN);
  const folder = await host.guest.mustExec(["ls", `/sys/kernel/livepatch/${FOREIGN}`]);
  const replace = folder.split("\n").includes("replace") ? true : null;
  const { json } = await host.must("status");
  assert.deepEqual(json["foreign"], [{ name: FOREIGN, state: "applied", replace }]);
  await takeOut(host, FOREIGN);
}

/** A kernel that has been booted again has none of its updates: they are taken out here behind the client's back. */
async function applyAgain({ host, version }: Scene): Promise<void> {
  await takeOut(host, MODULE);
  assert.equal(await host.read("/proc/version"), version);
  assert.deepEqual(resultsOf((await host.must("boot")).json), { [UPDATE]: "applied" });
  await expectPatched(host);
}

async function settled(host: Host, name: string): Promise<void> {
  await host.guest.mustExec(
    `while [ "$(cat /sys/kernel/livepatch/${name}/transition)" = 1 ]; do sleep 1; done`,
  );
}

/** Takes a patch out by the kernel's own interface. Its folder is gone when the transition has ended. */
async function takeOut(host: Host, name: string): Promise<void> {
  const folder = `/sys/kernel/livepatch/${name}`;
  await host.guest.mustExec(
    `echo 0 >${folder}/enabled && while [ -e ${folder} ]; do sleep 1; done && rmmod ${name}`,
  );
}

function resultsOf(json: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const results = json["results"] as readonly { readonly id: string; readonly result: string }[];
  return Object.fromEntries(results.map(({ id, result }) => [id, result]));
}
