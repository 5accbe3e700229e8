import type { Sha256 } from "../check.ts";
import type { KernelLandmarks, TextMemory } from "../fingerprint.ts";
import { KernelState } from "../kernel_state.ts";
import { SiteChecker } from "../site_checker.ts";
import { chooseForm } from "../sites/alternative.ts";
import { writeExpected } from "../sites/expected.ts";
import { addInPlace } from "../sites/relocation.ts";
import {
  type AlternativeForm,
  type ComparedSite,
  PLAIN_LENGTH,
  type PlainKind,
  type PlainSite,
  type Site,
  type StructuredSite,
} from "../sites/site_kinds.ts";
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
  const show = runs.shownTo(settler);
  return (run, code) => {
    settler.begin(code, runs.offset(run));
    show(run);
    return settler.isRight && sha256(code).startsWith(runs.digest(run));
  };
}

/** Returns the bytes of sites of those kinds that have the same bytes wherever they are. */
function samePlaces(kernel: KernelState): Readonly<Partial<Record<PlainKind, Uint8Array>>> {
  const bytesOf = (kind: ComparedSite["kind"] & PlainKind): Uint8Array => {
    const bytes = new Uint8Array(PLAIN_LENGTH[kind]);
    writeExpected(kernel, { kind, at: 0 }, 0, bytes, 0);
    return bytes;
  };
  const returnsArePlain = kernel.landmarks.returnThunkVariable !== null && kernel.returnThunk() === null;
  return {
    ftrace: bytesOf("ftrace"),
    ...(returnsArePlain && { return_thunk: bytesOf("return_thunk") }),
    ...(!kernel.tracksCallDepth() && {
      call_padding: bytesOf("call_padding"),
      call_padding_open: bytesOf("call_padding_open"),
    }),
  };
}

/** Sets bytes to zero if they are the expected ones. Otherwise leaves them, and returns false. */
function clearIfEqual(code: Uint8Array, at: number, expected: Uint8Array): boolean {
  const { length } = expected;
  for (let i = 0; i < length; i++) if (code[at + i] !== expected[i]) return false;
  for (let i = 0; i < length; i++) code[at + i] = 0;
  return true;
}

/** Brings the functions of a run, one after the other, into the form of which its digest was made. */
class RunSettler implements RunVisitor {
  /** Half of all sites are calls, which are as linked unless the kernel tracks them. */
  readonly ignored: PlainKind | null;
  /** False once something was found that is not at rest. */
  isRight = true;
  readonly #kernel: KernelState;
  /** What undoes the displacement of the kernel. */
  readonly #back: number;
  /** The bytes of sites of a kind, if they do not depend on the place. */
  readonly #everywhere: Readonly<Partial<Record<PlainKind, Uint8Array>>>;
  readonly #checker: SiteChecker;
  #code: Uint8Array = new Uint8Array();
  /** Where in the code the function begins, and the code from `_text`. */
  #at = 0;
  #start = 0;

  constructor(kernel: KernelState) {
    this.#kernel = kernel;
    this.#back = -kernel.displacement;
    this.#everywhere = samePlaces(kernel);
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

  choose(forms: readonly AlternativeForm[]): AlternativeForm {
    return chooseForm(this.#kernel, forms);
  }

  /**
   * Nearly all sites are relocations, or have the same bytes wherever they are. Those are done here, in fewer steps
   * than `SiteChecker` takes.
   */
  plain(site: PlainSite, at: number): void {
    const place = this.#at + at;
    const bytes = this.#everywhere[site.kind];
    if (site.kind === "reloc32") addInPlace(this.#code, place, 4, this.#back);
    else if (bytes === undefined || !clearIfEqual(this.#code, place, bytes)) this.#settle(site, place);
  }

  structured(site: StructuredSite): void {
    this.#settle(site, this.#at + site.at);
  }

  #settle(site: Site, at: number): void {
    if (this.#checker.settle(site, this.#code, at, this.#start + at) !== "right") this.isRight = false;
  }
}
