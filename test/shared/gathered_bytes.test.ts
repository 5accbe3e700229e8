import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../shared/bytes.ts";
import { GatheredBytes, gathered } from "../../shared/gathered_bytes.ts";

async function* piecesOf(pieces: readonly (Uint8Array | string)[]) {
  for (const piece of pieces) yield piece;
}

describe("bytes that arrive in pieces", () => {
  it("are what arrived, however long the pieces are", () => {
    const lengths = fc.array(fc.oneof(fc.nat(20), fc.nat(10_000)), { maxLength: 60 });
    fc.assert(
      fc.property(lengths, (all) => {
        const pieces = all.map((length, i) => new Uint8Array(length).fill(i + 1));
        const body = new GatheredBytes(1_000_000);
        for (const piece of pieces) expect(body.add(piece)).toBe(true);
        expect(body.bytes()).toEqual(concatBytes(pieces));
      }),
      { numRuns: 50 },
    );
  });

  it("are refused past the limit, which nothing of is kept", () => {
    const body = new GatheredBytes(3);
    expect(body.add(Uint8Array.of(1, 2))).toBe(true);
    expect(body.add(Uint8Array.of(3, 4))).toBe(false);
    expect(body.add(Uint8Array.of(5))).toBe(true);
    expect(body.bytes()).toEqual(Uint8Array.of(1, 2, 5));
  });

  it("take no more memory for coming byte by byte", () => {
    const one = Uint8Array.of(7);
    const body = new GatheredBytes(3_000_000);
    for (let i = 0; i < 3_000_000; i++) body.add(one.slice());
    expect(body.bytes()).toEqual(new Uint8Array(3_000_000).fill(7));
  });

  it("come whole out of a stream, or not at all", async () => {
    expect(await gathered(piecesOf(["a", utf8("é")]), 3)).toEqual(utf8("aé"));
    expect(await gathered(piecesOf(["a", utf8("é")]), 2)).toBeUndefined();
    expect(await gathered(piecesOf([]), 0)).toEqual(new Uint8Array());
  });
});
