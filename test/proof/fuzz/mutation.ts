import fc from "fast-check";

/** A run of bytes in which changes matter: [start, end). */
export type Region = readonly [start: number, end: number];

/** Numbers that parsers add to others, allocate or loop up to. */
const NUMBERS = [
  0n,
  1n,
  2n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fff_ffffn,
  0xffff_ffffn,
  0xffff_ffff_8000_0000n,
];
const LARGEST = 0xffff_ffff_ffff_ffffn;

type Change =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "number"; readonly value: bigint; readonly size: number }
  | { readonly kind: "flip"; readonly bit: number }
  | { readonly kind: "copy"; readonly from: number; readonly length: number };

interface Place {
  /** Of the regions, and in the region: both as far as they go. */
  readonly region: number;
  readonly at: number;
  /** Within the first bytes of the region, where headers are. */
  readonly near: boolean;
}

export interface Mutation {
  readonly changes: readonly (readonly [Place, Change])[];
  /** How many bytes are left, in millionths. */
  readonly left: number;
}

const HEAD = 128;
const WHOLE = 1_000_000;

const place: fc.Arbitrary<Place> = fc.record({ region: fc.nat(), at: fc.nat(), near: fc.boolean() });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant("bytes" as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }) }),
  fc.record({
    kind: fc.constant("number" as const),
    value: fc.oneof(fc.constantFrom(...NUMBERS, LARGEST), fc.bigInt({ min: 0n, max: LARGEST })),
    size: fc.constantFrom(2, 4, 8),
  }),
  fc.record({ kind: fc.constant("flip" as const), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant("copy" as const), from: fc.nat(), length: fc.integer({ min: 1, max: 256 }) }),
);

/** A few changes; one in eight also cuts the end off. */
export const mutations: fc.Arbitrary<Mutation> = fc.record({
  changes: fc.array(fc.tuple(place, change), { minLength: 1, maxLength: 4 }),
  left: fc.oneof({ arbitrary: fc.constant(WHOLE), weight: 7 }, { arbitrary: fc.nat(WHOLE), weight: 1 }),
});

/** Hands a changed input to `use`, and puts it right again: real inputs are too large to copy each time. */
export function mutated(
  input: Uint8Array,
  regions: readonly Region[],
  { changes, left }: Mutation,
  use: (bytes: Uint8Array) => void,
): void {
  const undo: (readonly [number, Uint8Array])[] = [];
  for (const [where, what] of changes) {
    const at = offsetOf(regions, where);
    const bytes = newBytes(input, at, what).subarray(0, input.length - at);
    undo.push([at, input.slice(at, at + bytes.length)]);
    input.set(bytes, at);
  }
  try {
    use(input.subarray(0, Math.floor((input.length * left) / WHOLE)));
  } finally {
    for (const [at, bytes] of undo.reverse()) input.set(bytes, at);
  }
}

function offsetOf(regions: readonly Region[], { region, at, near }: Place): number {
  const [start, end] = regions[region % regions.length] ?? [0, 1];
  const room = near ? Math.min(HEAD, end - start) : end - start;
  return start + (at % Math.max(room, 1));
}

function newBytes(input: Uint8Array, at: number, what: Change): Uint8Array {
  switch (what.kind) {
    case "bytes":
      return what.bytes;
    case "number": {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, what.value, true);
      return bytes.subarray(0, what.size);
    }
    case "flip":
      return Uint8Array.of((input[at] ?? 0) ^ (1 << what.bit));
    case "copy": {
      const from = what.from % input.length;
      return input.slice(from, from + what.length);
    }
  }
}
