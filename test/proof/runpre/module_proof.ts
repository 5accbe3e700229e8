import { setTimeout as sleep } from "node:timers/promises";
import { sha256Of } from "../../../node/crypto.ts";
import { functionChecker } from "../../../shared/runpre/check.ts";
import type { FunctionFingerprint, KernelLandmarks } from "../../../shared/runpre/fingerprint.ts";
import { bindModule } from "../../../shared/runpre/module/bind.ts";
import type { Guest } from "../../support/guest/guest.ts";
import type { Kernel } from "../../support/guest/machine.ts";
import { type Capture, captureMemory, captureText } from "./capture.ts";
import { type Flippable, flipBits, seeded } from "./flips.ts";
import {
  captureModules,
  type FingerprintedModule,
  fingerprintModules,
  type LoadedModules,
} from "./loaded_modules.ts";
import { READINGS, SETTLE_MS } from "./observed.ts";
import type { CodeResult, Flips } from "./text_proof.ts";
import { type Checker, mismatches, type WholeKernel } from "./whole_kernel.ts";

export interface ModulesResult extends CodeResult {
  readonly modules: number;
}

/** Fingerprints of a kernel's modules, each made once. */
export class KernelModules {
  readonly #kernel: Kernel;
  readonly #known = new Map<string, FingerprintedModule>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  async of(names: readonly string[]): Promise<readonly FingerprintedModule[]> {
    const missing = names.filter((name) => !this.#known.has(name));
    if (missing.length > 0) {
      for (const one of await fingerprintModules(this.#kernel, missing)) this.#known.set(one.name, one);
    }
    return names.map((name) => this.#known.get(name) ?? unknown(name));
  }
}

function unknown(name: string): never {
  throw new Error(`the kernel's package has no module ${name}, which is loaded`);
}

/** Does with all functions of a guest's modules what `proveText` does with the kernel's. */
export async function proveModules(
  guest: Guest,
  whole: WholeKernel,
  modules: KernelModules,
  flips: Flips,
): Promise<ModulesResult> {
  for (let reading = 1; ; reading++) {
    const { code, count } = await readModules(guest, whole, modules);
    const found = mismatches(code.check, code.functions);
    if (found.length > 0 && reading < READINGS) {
      await sleep(SETTLE_MS);
      continue;
    }
    const missed = flipBits(code, flips.count, seeded(flips.seed));
    return { modules: count, functions: code.functions.length, found, flips: flips.count, missed };
  }
}

async function readModules(
  guest: Guest,
  whole: WholeKernel,
  modules: KernelModules,
): Promise<{ readonly code: Flippable; readonly count: number }> {
  const capture = await captureText(guest);
  const loaded = await captureModules(guest);
  const fingerprinted = await modules.of(loaded.modules.names());
  return { code: moduleCode(fingerprinted, loaded, capture, whole.landmarks), count: fingerprinted.length };
}

/** The functions of a guest's modules as fingerprints of this very guest. Throws for a module of another build. */
export function moduleCode(
  fingerprinted: readonly FingerprintedModule[],
  { modules, memory }: LoadedModules,
  text: Capture,
  landmarks: KernelLandmarks,
): Flippable {
  const all = captureMemory(text, memory);
  const checkers = new Map<FunctionFingerprint, Checker>();
  for (const { name, buildId, layout, functions } of fingerprinted) {
    const loaded = modules.find(name);
    if (loaded?.buildId !== buildId)
      throw new Error(`${name} is of build ${loaded?.buildId}, not ${buildId}`);
    const bound = bindModule(layout, loaded, landmarks, text.text);
    const check = functionChecker(bound.landmarks, all, sha256Of, bound.moves);
    for (const fn of functions) checkers.set(bound.bind(fn), check);
  }
  return {
    functions: [...checkers.keys()],
    check: (fn) => (checkers.get(fn) ?? unknown(fn.name))(fn),
    bytes: memory.bytes,
    start: Number(memory.start - text.text),
  };
}
