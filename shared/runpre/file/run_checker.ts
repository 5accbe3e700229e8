import type { Sha256 } from "../check.ts";
import type { KernelLandmarks, TextMemory } from "../fingerprint.ts";
import { KernelState } from "../kernel_state.ts";
import { SiteChecker } from "../site_checker.ts";
import type { PlainKind, PlainSite, Site, StructuredSite } from "../sites/site_kinds.ts";
import type { FunctionRuns, RunVisitor } from "./decode.ts";

/**
 * Returns a checker of runs. It tells whether every function of a run matches, with nothing attached; where it
 * says no, `functionChecker` tells which does not and why. It compares the sites one by one, as that one does, and
 * what remains with the run's digest, and makes no object of a function.
 *
 * The checker gets a copy of the run's memory, which it changes. The kernel's variables are read once.
 * @param memory what the kernel's variables are read from.
 */
export function runChecker(
  runs: FunctionRuns,
  landmarks: KernelLandmarks,
  memory: TextMemory,
  sha256: Sha256,
): (run: number, code: Uint8Array) => boolean {
  const settler = new RunSettler(new KernelState(landmarks, memory));
  return (run, code) => {
    settler.begin(code, runs.offset(run));
    runs.visit(run, settler);
    return settler.isRight && sha256(code).startsWith(runs.digest(run));
  };
}

/** Brings the functions of a run, one after the other, into the form of which its digest was made. */
class RunSettler implements RunVisitor {
  /** Half of all sites are calls, which are as linked unless the kernel tracks them. */
  readonly ignored: PlainKind | null;
  /** False once something was found that is not at rest. */
  isRight = true;
  readonly #checker: SiteChecker;
  #code: Uint8Array = new Uint8Array();
  /** Where in the code the function begins, and the code from `_text`. */
  #at = 0;
  #start = 0;

  constructor(kernel: KernelState) {
    this.#checker = new SiteChecker(kernel);
    this.ignored = kernel.tracksCallDepth() ? null : "call";
  }

  /** @param start where the code is, from `_text`. */
  begin(code: Uint8Array, start: number): void {
    this.#code = code;
    this.#start = start;
    this.isRight = true;
  }

  enter(offset: number): void {
    this.#at = offset - this.#start;
  }

  plain(site: PlainSite, at: number): void {
    this.#settle(site, this.#at + at);
  }

  structured(site: StructuredSite): void {
    this.#settle(site, this.#at + site.at);
  }

  #settle(site: Site, at: number): void {
    if (this.#checker.settle(site, this.#code, at, this.#start + at) !== "right") this.isRight = false;
  }
}
