import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Host, KernelPatch } from "./host.ts";

const SETTLE_MS = 30_000;

/**
 * What `status` says of every update is what the kernel does, and no module of ours is loaded that the kernel does not
 * list. A transition that a dead client left behind is waited for: the kernel goes on with it.
 */
export async function expectTruth(host: Host): Promise<void> {
  const patches = await settled(host);
  const { json } = await host.must("status");
  const updates = json["updates"] as readonly { id: string; module: string; state: string }[];
  for (const { id, module, state } of updates) {
    const patch = patches.find(({ name }) => name === module);
    assert.equal(state === "applied", patch?.enabled ?? false, `status says ${state} of ${id}`);
  }
}

async function settled(host: Host): Promise<readonly KernelPatch[]> {
  for (const start = performance.now(); performance.now() - start < SETTLE_MS; await sleep(200)) {
    const patches = await host.patches();
    if (!patches.some(({ transition }) => transition)) return patches;
  }
  throw new Error("a transition does not end");
}
