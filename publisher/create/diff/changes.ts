import { SECTION_FLAG } from "../../../shared/elf/sections.ts";
import type { Piece, Unit } from "../object/pieces.ts";
import { isInitSection } from "../object/section_role.ts";
import type { Version } from "../object/version.ts";
import { coverByCallers } from "./callers.ts";
import { changedData } from "./changed_data.ts";
import type { Compare } from "./compare.ts";
import type { Correlation } from "./correlate.ts";
import { changedLists } from "./lists.ts";
import { isContentOnly, isRenewable, parentOf } from "./names.ts";
import { type ChangeRefusal, changeRefusal } from "./refusal.ts";
import { isStartList, registrationNotes } from "./registrations.ts";
import { setUpReason } from "./set_up_code.ts";
import { threadQuestion } from "./thread_loops.ts";

/** The differences between two versions of a unit. All pieces are those of the new version. */
export interface Changes {
  /** The changed functions that the old version has too, without those that only run at the start. */
  readonly changed: readonly Piece[];
  /** The changed functions that cannot be redirected, and all of whose callers are changed too. */
  readonly covered: ReadonlySet<Piece>;
  /** The constant data whose users are all changed functions. These functions get a copy of it. */
  readonly copied: ReadonlySet<Piece>;
  readonly dropped: readonly string[];
  readonly initOnly: readonly string[];
  readonly refusals: readonly ChangeRefusal[];
  readonly notes: readonly string[];
}

export function findChanges(
  before: Version,
  after: Version,
  correlation: Correlation,
  same: Compare,
): Changes {
  const { newOf, oldOf } = correlation;
  const refusals: ChangeRefusal[] = [];
  const notes: string[] = [];
  const initOnly = new Set<string>();
  const copied = new Set<Piece>();
  const changed = new Set<Piece>();
  const users = usersOf(after.unit);
  const nameOf = ({ names: [name = ""] }: Piece): string => name;

  for (const [old, now] of newOf) {
    if (kindOf(old) !== kindOf(now)) {
      refusals.push(
        changeRefusal(
          "changed_section",
          nameOf(now),
          `the patch moves it from ${old.section.name} to ${now.section.name}`,
        ),
      );
      continue;
    }
    if (same(old, now) || isStartList(now)) continue; // the notes name entries of start lists
    if (isInit(now)) initOnly.add(nameOf(now));
    else if (now.role === "code") changed.add(now);
    else if (isMetadata(now))
      notes.push(`${nameOf(now)} in ${now.section.name} changed, which has no effect on a running kernel`);
    else if (isCopyable(now, after.unit, users)) copied.add(now);
    else if (!isRenewable(nameOf(now))) refusals.push(changedData(old, now, after.unit));
  }
  notes.push(...registrationNotes(before, after, same));
  for (const name of changedLists(before, after, same)) {
    notes.push(
      `${name} changed: the kernel reads it when it starts, so this has no effect on a running kernel`,
    );
  }
  // A constant that only functions refer to changes together with them.
  for (const datum of copied)
    for (const user of users.get(datum) ?? []) if (oldOf.has(user)) changed.add(user);
  const covered = widenAll(changed, before, after, correlation);
  for (const piece of covered)
    notes.push(`${nameOf(piece)} cannot be redirected, so the functions that call it are replaced`);
  for (const piece of after.unit.pieces) {
    if (piece.role === "code" && piece.names.length > 0 && !oldOf.has(piece) && isInit(piece))
      initOnly.add(nameOf(piece));
  }
  for (const piece of [...changed]) {
    if (!isInit(piece)) continue;
    changed.delete(piece);
    initOnly.add(nameOf(piece));
  }
  for (const piece of changed) {
    const old = oldOf.get(piece);
    const question = old && threadQuestion(old);
    if (question !== undefined) {
      notes.push(
        `${nameOf(piece)} calls ${question}: if it is the main loop of a kernel thread, hosts can neither apply nor undo this update while that thread runs`,
      );
    }
    const setUp = setUpReason(piece, after.unit);
    if (setUp !== undefined) {
      notes.push(
        `${nameOf(piece)} ${setUp}: the change works only for what is set up from now on, and a hook can mend what exists`,
      );
    }
  }
  return {
    changed: [...changed],
    covered,
    copied,
    dropped: before.unit.pieces
      .filter((piece) => piece.role === "code" && piece.names.length > 0 && !newOf.has(piece))
      .map(nameOf),
    initOnly: [...initOnly],
    refusals,
    notes,
  };
}

export const isInit = ({ section }: Piece): boolean => isInitSection(section.name);

/**
 * Returns the kind of section that a piece is in. A move between hot and cold code means nothing, but one to
 * or from memory that is freed or per CPU matters.
 */
function kindOf(piece: Piece): string {
  if (isInit(piece)) return "init";
  if (piece.section.name.includes("percpu")) return "percpu";
  if (piece.role === "code") return "code";
  return piece.isWritable ? "data" : "read-only data";
}

/** Reports whether a piece is in a list that only tools and tracers read. */
const isMetadata = ({ section }: Piece): boolean =>
  /^(?:__tracepoints_ptrs|_ftrace_events|__syscalls_metadata|__ftrace_eval_maps|_kprobe_blacklist|__bpf_raw_tp_map|_error_injection_whitelist|\.pci_fixup.*|__dyndbg|\.BTF_ids|__modver)$/.test(
    section.name,
  );

function usersOf({ pieces }: Unit): ReadonlyMap<Piece, readonly Piece[]> {
  const users = new Map<Piece, Piece[]>();
  for (const piece of pieces) {
    for (const { target } of piece.references) {
      const used = target.kind === "piece" ? pieces[target.piece] : undefined;
      if (used === undefined) continue;
      const list = users.get(used);
      if (list === undefined) users.set(used, [piece]);
      else list.push(piece);
    }
  }
  return users;
}

/**
 * Reports whether a datum is a local constant that only functions refer to and that holds no pointer to code.
 */
function isCopyable(datum: Piece, { pieces }: Unit, users: ReadonlyMap<Piece, readonly Piece[]>): boolean {
  if (datum.isWritable || datum.isGlobal || isContentOnly(datum.names[0] ?? "")) return false;
  const pointsToCode = datum.references.some(({ target }) =>
    target.kind === "symbol"
      ? true
      : ((pieces[target.piece]?.section.flags ?? 0n) & (SECTION_FLAG.exec | SECTION_FLAG.write)) !== 0n,
  );
  return (
    !pointsToCode && (users.get(datum) ?? []).every(({ role, names }) => role === "code" && names.length > 0)
  );
}

/**
 * Adds the functions that have to be replaced together with the changed ones, until there are no more:
 * callers may have parts, and parts may have callers.
 */
function widenAll(
  changed: Set<Piece>,
  before: Version,
  after: Version,
  correlation: Correlation,
): ReadonlySet<Piece> {
  for (;;) {
    const { size } = changed;
    widen(changed, after.unit, correlation.oldOf);
    const covered = coverByCallers(changed, before, after, correlation);
    if (changed.size === size) return covered;
  }
}

/**
 * Adds the parts that were split off of changed functions, and the functions of changed parts: they change
 * together.
 */
function widen(changed: Set<Piece>, { pieces }: Unit, oldOf: ReadonlyMap<Piece, Piece>): void {
  const byName = new Map(
    pieces
      .filter(({ role }) => role === "code")
      .flatMap((piece) => piece.names.map((name) => [name, piece] as const)),
  );
  for (const piece of pieces) {
    const parent = piece.names
      .map((name) => byName.get(parentOf(name) ?? ""))
      .find((found) => found !== undefined);
    if (parent === undefined || piece.role !== "code") continue;
    const isNew = !oldOf.has(piece) || !oldOf.has(parent);
    if (!isNew && !changed.has(piece) && !changed.has(parent)) continue;
    if (oldOf.has(piece)) changed.add(piece);
    if (oldOf.has(parent)) changed.add(parent);
  }
}
