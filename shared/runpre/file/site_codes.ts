import {
  isPlainKind,
  PLAIN_LENGTH,
  type PlainSite,
  type SiteKind,
  type StructuredSite,
} from "../sites/site_kinds.ts";

/** The numbers that stand for kinds of sites in a fingerprint file. A number never changes its meaning. */
const CODES = {
  reloc32: 0,
  reloc64: 1,
  reloc32neg: 2,
  call: 3,
  ftrace: 4,
  ftrace_call: 5,
  return_thunk: 6,
  return_thunk_moved: 7,
  smp_lock: 8,
  call_padding: 9,
  call_padding_open: 10,
  alternative: 11,
  jump_label: 12,
  static_call: 13,
  paravirt: 14,
  retpoline: 15,
  runtime_constant: 16,
  moved: 17,
  moved_call: 18,
  runtime_mask: 19,
} as const satisfies Readonly<Record<SiteKind, number>>;

const KINDS: readonly SiteKind[] = (Object.keys(CODES) as SiteKind[]).sort((a, b) => CODES[a] - CODES[b]);

/**
 * The factor in the number that begins a site: this factor times the distance from the end of the site
 * before, plus the site's kind.
 */
export const KIND_SPACE = 32;

export const siteCode = (kind: SiteKind): number => CODES[kind];

const PLAIN = KINDS.map((kind): PlainSite | undefined => (isPlainKind(kind) ? { kind, at: 0 } : undefined));
const PLAIN_LENGTHS = Uint8Array.from(PLAIN, (site) => (site === undefined ? 0 : PLAIN_LENGTH[site.kind]));

/** Returns a site, at 0, of the plain kind that a number stands for, and undefined for a number of another meaning. */
export const plainSite = (code: number): PlainSite | undefined => PLAIN[code];

/** Returns the length of a site of that kind. */
export const plainLength = (code: number): number => PLAIN_LENGTHS[code] ?? 0;

/** Returns the kind that a number stands for if that is not a plain one; undefined for a number without a meaning. */
export function structuredKind(code: number): StructuredSite["kind"] | undefined {
  const kind = KINDS[code];
  return kind === undefined || isPlainKind(kind) ? undefined : kind;
}
