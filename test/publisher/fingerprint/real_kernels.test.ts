import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fingerprintSymbol } from "../../../publisher/fingerprint/kernel_function.ts";
import { landmarks } from "../../../publisher/fingerprint/landmarks.ts";
import { type KernelImage, openKernelImage } from "../../../publisher/image/kernel_image.ts";
import { RebootlessError } from "../../../shared/errors.ts";

/** Counted once against outside oracles: the guest's /proc/kallsyms and the boot code's relocations. */
const KNOWN: ReadonlyMap<string, Readonly<Record<string, unknown>>> = new Map([
  [
    "3b43fad5034874490492495d552c0af6a5fab235", // Debian 6.1.192-2
    {
      release: "6.1.0-56-cloud-amd64",
      symbols: 87_347,
      relocations: [70_777, 8_457, 123_692],
      places: 44_180,
    },
  ],
  [
    "7f76f39faf07f34cfa9fadd801e131bfa8cb6dc3", // Debian 6.12.117-1~deb12u1
    {
      release: "6.12.117+deb12-cloud-amd64",
      symbols: 154_686,
      relocations: [78_012, 13_099, 146_103],
      places: 97_162,
    },
  ],
]);

const paths = (process.env["REBOOTLESS_KERNEL_IMAGES"] ?? "").split(":").filter((path) => path !== "");

/** Each place in the text once, however many names it has: how many can be fingerprinted, and why the others cannot. */
function survey(image: KernelImage): { places: number; done: number; refused: ReadonlyMap<string, number> } {
  const refused = new Map<string, number>();
  const seen = new Set<bigint>();
  let done = 0;
  for (const symbol of image.symbols.all) {
    const offset = Number(symbol.address - image.linkedText);
    if (offset < 0 || offset >= image.textEnd || seen.has(symbol.address)) continue;
    seen.add(symbol.address);
    try {
      fingerprintSymbol(image, symbol);
      done++;
    } catch (error) {
      if (!(error instanceof RebootlessError)) throw error;
      const kinds = String(error.details["kinds"] ?? error.code).split(",");
      for (const kind of kinds) refused.set(kind, (refused.get(kind) ?? 0) + 1);
    }
  }
  return { places: seen.size, done, refused };
}

describe("distribution kernels", () => {
  it("are there to be tested", () => {
    expect(paths, "REBOOTLESS_KERNEL_IMAGES must name vmlinuz files, separated by colons").not.toEqual([]);
  });

  it.each(paths)(
    "%s is read whole, and most of its functions can be fingerprinted",
    { timeout: 60_000 },
    (path) => {
      const image = openKernelImage(new Uint8Array(readFileSync(path)));
      const { reloc32, reloc32neg, reloc64 } = image.relocations;
      const { places, done, refused } = survey(image);
      const known = KNOWN.get(image.buildId);
      if (known !== undefined) {
        expect({
          release: image.release,
          symbols: image.symbols.all.length,
          relocations: [reloc32.length, reloc32neg.length, reloc64.length],
          places,
        }).toEqual(known);
      }
      expect(path).toContain(image.release);
      const { returnThunkVariable, returnThunkDefault } = landmarks(image);
      expect(returnThunkDefault).not.toBeNull();
      expect(returnThunkVariable).toBeGreaterThan(image.textEnd);
      expect(done / places).toBeGreaterThan(0.6);
      // Each of these is in every kernel: a table that is not found would show as functions without its sites.
      for (const kind of ["alternative", "jump_label", "retpoline", "smp_lock", "static_call"]) {
        expect(refused.get(kind), kind).toBeGreaterThan(500);
      }
      expect(refused.get("return_thunk_other")).toBeUndefined();
      expect(refused.get("ftrace_other")).toBeUndefined();
      expect(image.sites.filter((s) => s.kind === "return_thunk").length).toBeGreaterThan(40_000);
      expect(image.sites.filter((s) => s.kind === "ftrace").length).toBeGreaterThan(30_000);
    },
  );
});
