import { counted } from "../../../shared/counted.ts";
import { withKpatchMacros } from "../source/kpatch_macros.ts";
import { type Reaches, reachOf } from "../source/reach.ts";
import type { SourceRefusal } from "../source/source_refusal.ts";
import { makeUpdate, type UpdateContent, type UpdateRefusal, type UpdateTools } from "../update.ts";
import type { AppliedFixes, NotApplied, SeriesApplier } from "./apply_fixes.ts";
import type { Attempted, Fault, FixNumber } from "./faults.ts";
import type { Fix } from "./fix.ts";
import { type AttemptFiles, suspectsOf } from "./suspects.ts";

/** The stages of an attempt. Compiling ends it where it finds faults, and so does comparing; the first two do not. */
export const STAGE = { apply: 0, files: 1, compile: 2, compare: 3, join: 4 } as const;

/** An update of some fixes that can be made. */
export interface MadeSet {
  readonly content: UpdateContent;
  readonly applied: AppliedFixes;
  readonly reaches: Reaches;
}

/** The objects that came out the same with some fixes. */
interface EqualObjects {
  readonly fixes: ReadonlySet<FixNumber>;
  readonly objects: ReadonlySet<string>;
}

/** Tries to make updates of some fixes of a series. */
export class SeriesAttempts {
  readonly #fixes: readonly Fix[];
  readonly #applier: SeriesApplier;
  readonly #tools: UpdateTools;
  readonly #equal: EqualObjects[] = [];
  #count = 0;

  constructor(fixes: readonly Fix[], applier: SeriesApplier, tools: UpdateTools) {
    this.#fixes = fixes;
    this.#applier = applier;
    this.#tools = tools;
  }

  /**
   * Tries some fixes.
   * @param isExact false to take it for granted that an object which came out the same with these fixes and others comes
   * out the same with these alone. It nearly always does, and most objects that a header reaches need not be compiled
   * once more in each attempt. Who goes by this makes the set in the end (`make`), which compiles everything.
   * @throws ParseError. @throws RebootlessError `usage`, `limit`, `io`.
   */
  async attempt(fixes: readonly FixNumber[], isExact: boolean): Promise<Attempted<UpdateRefusal>> {
    this.#count += 1;
    this.#tools.progress(`attempt ${this.#count}: ${counted(fixes.length, "fix", "fixes")} together`);
    const made = await this.#make(fixes, isExact ? undefined : this.#knownEqual(fixes));
    this.#equal.push({ fixes: new Set(fixes), objects: new Set(made.content.equal) });
    const { report } = made.content;
    const files: AttemptFiles = {
      fixes,
      pathsOf: (fix) => this.#applier.pathsOf(fix),
      changes: made.applied.changes,
      reaches: made.reaches,
    };
    const ofUnits = report.units.flatMap(({ source, refusals }) =>
      refusals.map((refusal) => faultOf(refusal, [source], files)),
    );
    const ofFiles = report.refusals.map((refusal) => faultOf(refusal, refusal.sources ?? [], files));
    const unapplied = [...made.applied.failed].map(([fix, failed]) => this.#unapplied(fix, failed));
    const later = [...ofUnits, ...ofFiles];
    const ends = later.map(({ stage }) => stage).filter((stage) => stage >= STAGE.compile);
    const ended = Math.min(...ends, STAGE.join);
    for (const { reason } of later) this.#tools.progress(`refused: ${reason.subject}: ${reason.reason}`);
    return { faults: [...unapplied, ...later], stage: ended };
  }

  /** Makes an update of fixes, whatever is refused. */
  make(fixes: readonly FixNumber[]): Promise<MadeSet> {
    return this.#make(fixes, undefined);
  }

  async #make(fixes: readonly FixNumber[], isKnownEqual: UpdateTools["isKnownEqual"]): Promise<MadeSet> {
    const applied = await this.#applier.apply(fixes);
    const changes = withKpatchMacros(applied.changes);
    const content = await makeUpdate({ ...this.#tools, isKnownEqual }, changes);
    return { content, applied, reaches: await reachOf(this.#tools.workspace, changes) };
  }

  /** Returns a test for the objects that came out the same in an attempt with these fixes and others. */
  #knownEqual(fixes: readonly FixNumber[]): (object: string) => boolean {
    const wider = this.#equal.filter((attempt) => fixes.every((fix) => attempt.fixes.has(fix)));
    return (object) => wider.some(({ objects }) => objects.has(object));
  }

  #unapplied(fix: FixNumber, { output }: NotApplied): Fault<UpdateRefusal> {
    const id = this.#fixes[fix]?.id ?? "";
    const reason: SourceRefusal = {
      code: "apply",
      subject: id,
      reason: "it does not apply without a fix that is left out",
      advice: "Make the fix that it needs live, or make a patch of this fix that does without.",
      output,
    };
    return { key: `apply ${id}`, stage: STAGE.apply, suspects: [[fix]], reason };
  }
}

function faultOf(
  refusal: UpdateRefusal,
  sources: readonly string[],
  files: AttemptFiles,
): Fault<UpdateRefusal> {
  const { code, subject } = refusal;
  const about = code === "compile" ? [subject] : sources;
  return {
    key: [code, ...about.slice(0, 1), subject].join(" "),
    stage: stageOf(refusal),
    suspects: suspectsOf(refusal, about, files),
    reason: refusal,
  };
}

function stageOf({ code, subject }: UpdateRefusal): number {
  if (code === "file" || code === "reach") return STAGE.files;
  if (code === "compile" || code === "generated") return STAGE.compile;
  return subject === "the update" ? STAGE.join : STAGE.compare;
}
