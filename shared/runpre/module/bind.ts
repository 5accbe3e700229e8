import { type Address, type TextOffset, textOffset } from "../../brand.ts";
import { ParseError, RebootlessError } from "../../errors.ts";
import type { FunctionFingerprint, KernelLandmarks } from "../fingerprint.ts";
import type { Site } from "../sites/site_kinds.ts";
import { type Extent, IMPORT_ORIGIN, MODULE_SPACE, type ModuleBase, type ModuleLayout } from "./layout.ts";

/** The places of a loaded module as the running kernel reports them. What it does not report is undefined. */
export interface LoadedModule {
  readonly name: string;
  section(name: string): Address | undefined;
  /** Returns the address of one of the module's own symbols. */
  symbol(name: string): Address | undefined;
  /** Returns the address of a symbol of the loaded module that exports `exported`. */
  imported(symbol: string, exported: string): Address | undefined;
}

/** The fingerprints of a module, translated for one running kernel. */
export interface BoundModule {
  /** The moves that the checker needs (check.ts). */
  readonly moves: readonly number[];
  readonly landmarks: KernelLandmarks;
  /**
   * Translates a fingerprint.
   * @throws ParseError for a function that refers to what the layout does not have.
   */
  bind(fingerprint: FunctionFingerprint): FunctionFingerprint;
}

// For ITS the place of a branch in a line of this length matters. A loader starts modules at pages.
const LINE = 64;

/**
 * Binds the layout of a module to a running kernel.
 * @param text the address of `_text` in the running kernel.
 * @throws RebootlessError `unsupported` if the kernel does not report where something lies, or stores the
 * module's code in another form than it was linked.
 */
export function bindModule(
  layout: ModuleLayout,
  loaded: LoadedModule,
  landmarks: KernelLandmarks,
  text: Address,
): BoundModule {
  const displacement = Number(text - landmarks.linkedText);
  const moves = layout.bases.map((base) => moveOf(base, loaded, text, displacement));
  const place = translator(layout.bases, moves);
  const { patching } = landmarks;
  const retpolines = patching?.retpolines && {
    ...patching.retpolines,
    itsPages: layout.itsPages.map((page) => page.map((branch) => ({ ...branch, at: place(branch.at) }))),
  };
  return {
    moves,
    landmarks: retpolines ? { ...landmarks, patching: { ...patching, retpolines } } : landmarks,
    bind: ({ name, offset, size, sha256, locator, sites }) => ({
      name,
      offset: place(offset),
      size,
      sha256,
      locator,
      sites: sites.map((site) => bindSite(site, place)),
    }),
  };
}

/** Returns the bytes from where a base is linked to where it is, both as offsets from `_text`. */
function moveOf(base: ModuleBase, loaded: LoadedModule, text: Address, displacement: number): number {
  const from = (address: Address | undefined, what: string): number => {
    // A kernel that hides its addresses reports 0 for all of them.
    if (address === undefined || address === 0n) throw unknownPlace(loaded, what);
    return Number(BigInt.asIntN(64, address - text));
  };
  switch (base.kind) {
    case "kernel":
      return 0;
    case "absolute":
      return -displacement;
    case "text":
      return moveOfText(base, loaded, from);
    case "section":
      return from(loaded.section(base.name), base.name) - base.at;
    case "named":
      return from(loaded.symbol(base.symbol), base.symbol) - base.offset - base.at;
    case "import":
      return from(loaded.imported(base.symbol, base.exported), base.symbol) - base.at - IMPORT_ORIGIN;
  }
}

function moveOfText(
  { at, sections }: Extract<ModuleBase, { kind: "text" }>,
  loaded: LoadedModule,
  from: (address: Address | undefined, what: string) => number,
): number {
  const moves = sections.map(([name, offset]) => from(loaded.section(name), name) - offset - at);
  const [move] = moves;
  if (move !== undefined && moves.every((other) => other === move) && move % LINE === 0) return move;
  throw new RebootlessError(
    "unsupported",
    `the kernel arranges the code of ${loaded.name} differently from how it was linked`,
    {
      hint: "Another version of the kernel's module loader may do so. Fingerprints of this module cannot be used there.",
      details: { module: loaded.name },
    },
  );
}

function unknownPlace({ name }: LoadedModule, what: string): RebootlessError {
  return new RebootlessError(
    "unsupported",
    `the running kernel does not say where ${what} of module ${name} lies`,
    {
      hint: "Run as root; with kernel.kptr_restrict=2 the kernel hides its addresses from root, too.",
      details: { module: name, symbol: what },
    },
  );
}

/** Returns a function that translates an offset of the layout to one of the running kernel. */
function translator(
  bases: readonly ModuleBase[],
  moves: readonly number[],
): (offset: TextOffset) => TextOffset {
  const extents = bases.flatMap((base, i) => (hasExtent(base) ? [{ ...base, move: moves[i] ?? 0 }] : []));
  return (offset) => {
    if (offset < MODULE_SPACE) return offset;
    const found = extents.find(({ at, size }) => offset >= at && offset < at + size);
    if (found === undefined) throw new ParseError(`no base of the module's layout has offset ${offset}`);
    return textOffset(offset + found.move);
  };
}

export const hasExtent = (base: ModuleBase): base is ModuleBase & Extent => Object.hasOwn(base, "at");

type Place = (offset: TextOffset) => TextOffset;

/** Translates the offsets of a site. What is relative to the code stays as it is. */
function bindSite(site: Site, place: Place): Site {
  switch (site.kind) {
    case "jump_label":
    case "static_call":
      return { ...site, key: place(site.key) };
    case "paravirt":
      return { ...site, pointer: place(site.pointer) };
    case "runtime_constant":
      return { ...site, variable: place(site.variable) };
    case "alternative": {
      const forms = site.forms.map((form) => ({
        ...form,
        sites: form.sites.map((inner) => bindSite(inner, place)),
      }));
      return { ...site, forms };
    }
    default:
      return site;
  }
}
