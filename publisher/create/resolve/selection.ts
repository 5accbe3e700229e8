import { VMLINUX } from "../../../shared/brand.ts";
import { isInit } from "../diff/changes.ts";
import type { Correlation } from "../diff/correlate.ts";
import { isContentOnly, isRenewable, isReportSection, parentOf, stemOf } from "../diff/names.ts";
import { type ChangeRefusal, changeRefusal } from "../diff/refusal.ts";
import { paddingOf } from "../object/padding.ts";
import type { Piece, Reference, Unit } from "../object/pieces.ts";
import type { TableEntry } from "../object/special_tables.ts";
import type { Version } from "../object/version.ts";
import type { PatchTarget } from "../patch_object.ts";
import { SEALS } from "./derived_tables.ts";
import { functionParts } from "./function_parts.ts";
import { isOnceBranch } from "./once_branch.ts";
import type { ReferenceResolver, SharedTarget } from "./references.ts";

/** A reference of a kept piece, and its future target: a kept piece, or something in the running kernel. */
export interface SelectedReference extends Omit<Reference, "target"> {
  readonly target:
    | {
        readonly kind: "kept";
        readonly piece: Piece;
        readonly offset: number;
        /** True if it leads to the entry of the bug table about this place. */
        readonly isEntry: boolean;
      }
    | { readonly kind: "kernel"; readonly target: PatchTarget | SharedTarget; readonly offset: number };
}

export interface SelectedEntry {
  readonly entry: TableEntry;
  readonly references: readonly SelectedReference[];
}

/** The part of a unit that goes into the update. */
export interface PieceSelection {
  readonly pieces: ReadonlyMap<Piece, readonly SelectedReference[]>;
  readonly entries: readonly SelectedEntry[];
  /** The named pieces that the kernel does not have. */
  readonly added: readonly Piece[];
  readonly refusals: readonly ChangeRefusal[];
  readonly notes: readonly string[];
}

/**
 * Keeps the roots, and whatever they need that the running kernel does not have or has no name for.
 * Everything else that they refer to is the running kernel's.
 *
 * @param roots the changed functions, and whatever else is wanted.
 * @param copied constants that the changed functions get a copy of.
 */
export function selectPieces(
  after: Version,
  roots: readonly Piece[],
  copied: ReadonlySet<Piece>,
  correlation: Correlation,
  resolve: ReferenceResolver,
): PieceSelection {
  return new Selector(after, copied, correlation, resolve).run(roots);
}

type Decision = SelectedReference["target"] | { readonly kind: "refused" };

class Selector {
  readonly #unit: Unit;
  readonly #after: Version;
  readonly #copied: ReadonlySet<Piece>;
  readonly #correlation: Correlation;
  readonly #resolve: ReferenceResolver;
  readonly #queue: Piece[] = [];
  readonly #kept = new Set<Piece>();
  readonly #parts: ReadonlyMap<Piece, readonly Piece[]>;
  readonly #known = new Map<Piece, PatchTarget | undefined>();
  readonly #refusals = new Map<string, ChangeRefusal>();
  readonly #notes = new Set<string>();

  constructor(
    after: Version,
    copied: ReadonlySet<Piece>,
    correlation: Correlation,
    resolve: ReferenceResolver,
  ) {
    this.#after = after;
    this.#unit = after.unit;
    this.#copied = copied;
    this.#correlation = correlation;
    this.#resolve = resolve;
    this.#parts = functionParts(after.unit);
  }

  run(roots: readonly Piece[]): PieceSelection {
    const pieces = new Map<Piece, readonly SelectedReference[]>();
    const entries: SelectedEntry[] = [];
    for (const piece of roots) this.#keep(piece);
    for (let piece = this.#queue.shift(); piece !== undefined; piece = this.#queue.shift()) {
      const name = piece.names[0] ?? piece.section.name;
      if (piece.isTied) {
        this.#refuse(
          changeRefusal("shared_section", name, `it jumps into another function of ${piece.section.name}`),
        );
      }
      const references = this.#references(piece.references, name, false) ?? [];
      pieces.set(piece, references);
      this.#requireEarly(piece, references);
      for (const entry of this.#after.entries.get(piece.index) ?? []) {
        if (entry.section.name === SEALS && !this.#isSealed(piece)) continue;
        const kept = this.#entry(entry, name, piece);
        if (kept !== undefined) entries.push(kept);
      }
    }
    const { oldOf } = this.#correlation;
    return {
      pieces,
      entries,
      added: [...pieces.keys()].filter(
        (p) => p.names.length > 0 && !oldOf.has(p) && !isContentOnly(p.names[0] ?? ""),
      ),
      refusals: [...this.#refusals.values()],
      notes: [...this.#notes],
    };
  }

  /** Keeps a piece with its padding, and with all parts of a function, because they jump into each other. */
  #keep(piece: Piece): void {
    if (this.#kept.has(piece)) return;
    this.#kept.add(piece);
    this.#queue.push(piece);
    const padding = paddingOf(this.#unit, piece);
    if (padding !== undefined) this.#keep(padding);
    for (const part of this.#parts.get(piece) ?? []) this.#keep(part);
  }

  /**
   * Reports whether nothing takes the address of a function. objtool sees only the unit: a global function's address
   * may be taken elsewhere, unless the shipped object seals its old version.
   */
  #isSealed(piece: Piece): boolean {
    const old = this.#correlation.oldOf.get(piece);
    return !piece.isGlobal || (old !== undefined && this.#resolve.isSealed(old));
  }

  #refuse(found: ChangeRefusal): { readonly kind: "refused" } {
    this.#refusals.set(`${found.code} ${found.subject} ${found.reason}`, found);
    return { kind: "refused" };
  }

  /**
   * Resolves references. It returns undefined if one of them cannot be resolved, after it has noted the
   * refusal.
   */
  #references(
    references: readonly Reference[],
    from: string,
    isTable: boolean,
  ): readonly SelectedReference[] | undefined {
    const kept: SelectedReference[] = [];
    for (const reference of references) {
      const target = this.#target(reference, from, isTable);
      if (target.kind !== "refused") kept.push({ ...reference, target });
    }
    return kept.length === references.length ? kept : undefined;
  }

  #target({ target, isBranch }: Reference, from: string, isTable: boolean): Decision {
    if (target.kind === "symbol") {
      const found = this.#resolve.symbol(target.name);
      if (found !== undefined) return { kind: "kernel", target: found, offset: target.offset };
      const reason = `it refers to ${target.name}, ${this.#resolve.absence(target.name)}`;
      return this.#refuse({ ...changeRefusal("unresolved", from, reason), other: target.name });
    }
    const piece = this.#unit.pieces[target.piece];
    if (piece === undefined) throw new RangeError("a reference to no piece");
    const keep = (): Decision => {
      this.#keep(piece);
      return { kind: "kept", piece, offset: target.offset, isEntry: target.isEntry };
    };
    if (target.isEntry) return keep();
    const isMerged = piece.role === "string" || piece.role === "constant";
    if (isMerged) return keep();
    const [name] = piece.names;
    if (isInit(piece)) {
      const needed = name ?? piece.section.name;
      const reason = `it needs ${needed}, which the kernel frees after its start`;
      return this.#refuse({ ...changeRefusal("init", from, reason), other: needed });
    }
    if (name === undefined) return this.#nameless(piece, from, keep);
    const kernels = this.#inKernel(piece);
    const fromKernel = (): Decision | undefined =>
      kernels && { kind: "kernel", target: kernels, offset: target.offset };
    if (piece.role === "code") {
      const isPart = parentOf(name) !== undefined;
      // Code that takes a changed function's address gets the address of the old function, which leads to the
      // new one while the update is loaded.
      const isInside = isBranch || isTable || target.offset !== 0;
      return isPart || (isInside && this.#kept.has(piece)) ? keep() : (fromKernel() ?? keep());
    }
    if (isContentOnly(name) || this.#copied.has(piece)) return keep();
    return fromKernel() ?? this.#ownDatum(piece, name, from, keep);
  }

  /** Returns the old piece, by the name that the kernel has for it. */
  #inKernel(piece: Piece): PatchTarget | undefined {
    if (this.#known.has(piece)) return this.#known.get(piece);
    const old = this.#correlation.oldOf.get(piece);
    const target = old && this.#resolve.piece(old);
    this.#known.set(piece, target);
    return target;
  }

  #nameless(piece: Piece, from: string, keep: () => Decision): Decision {
    if (!piece.isWritable || isReportSection(piece.section.name)) return keep();
    return this.#refuse(
      changeRefusal("unresolved", from, `it refers to data without a name in ${piece.section.name}`),
    );
  }

  /** Decides about a datum that is new, or that the kernel has no name for. */
  #ownDatum(piece: Piece, name: string, from: string, keep: () => Decision): Decision {
    const isOld = this.#correlation.oldOf.has(piece);
    if (isRenewable(name)) return keep();
    if (isOld) {
      if (!piece.isWritable && piece.references.length === 0) return keep();
      const reason = `it refers to ${name}, for which the kernel has no name`;
      return this.#refuse({ ...changeRefusal("unresolved", from, reason), other: name });
    }
    if (piece.isWritable && this.#correlation.ambiguous.has(stemOf(name))) {
      return this.#refuse(
        changeRefusal(
          "ambiguous_data",
          name,
          `the old version has variables of this name, too, and ${from} may mean one of them`,
        ),
      );
    }
    return keep();
  }

  /**
   * Refuses alternatives that refer to a module's symbols: the kernel copies alternatives into the code when
   * the update is loaded, before a module's symbols are filled in.
   */
  #requireEarly(piece: Piece, references: readonly SelectedReference[]): void {
    if (piece.section.name !== REPLACEMENTS) return;
    for (const { target } of references) {
      if (target.kind !== "kernel" || target.target.kind !== "livepatch" || target.target.object === VMLINUX)
        continue;
      const { name, object } = target.target;
      this.#refuse(
        changeRefusal(
          "unresolved",
          name,
          `an alternative refers to it, but it belongs to the module ${object}`,
        ),
      );
    }
  }

  #entry(entry: TableEntry, from: string, piece: Piece): SelectedEntry | undefined {
    const { name } = entry.section;
    const references = this.#references(entry.references, from, true);
    if (references === undefined) return undefined;
    if (name === "__ex_table" && references.some(({ target }) => target.kind !== "kept")) {
      this.#refuse(
        changeRefusal("exception_table", from, "one of its fixups lies in a function that is not changed"),
      );
      return undefined;
    }
    const key = references.at(-1)?.target;
    if (!(name in KEYED) || key?.kind !== "kernel") return { entry, references };
    const { target } = key;
    if (target.kind !== "livepatch" || target.object === VMLINUX) return { entry, references };
    // The kernel goes through these lists when the update is loaded, but a module's keys are known only once
    // that module is loaded.
    if (
      name === "__jump_table" &&
      isOnceBranch(this.#unit, entry, target.name, piece, (datum) => this.#inKernel(datum) !== undefined)
    ) {
      this.#notes.add(
        `${from}: each call asks under a lock whether the work of DO_ONCE was done, because its static key belongs to the module`,
      );
    } else if (name === "__jump_table" && !isTracing(target.name)) {
      const reason = `it branches on ${target.name}, a static key of the module ${target.object}`;
      this.#refuse({ ...changeRefusal("static_key", from, reason), other: target.name });
    } else {
      this.#notes.add(
        `${from}: ${KEYED[name as keyof typeof KEYED]} ${target.name} of the module stays off or indirect`,
      );
    }
    return undefined;
  }
}

const REPLACEMENTS = ".altinstr_replacement";
const KEYED = { __jump_table: "the branch on", ".static_call_sites": "the static call" } as const;

const isTracing = (key: string): boolean => key.startsWith("__tracepoint_") || isRenewable(key);
