import fc from "fast-check";
import decodeQr from "qr/decode.js";
import { describe, expect, it } from "vitest";
import { qrLines, qrModules } from "../../../client/host/qr.ts";
import { buildId, objectName, updateId } from "../../../shared/brand.ts";
import { isCode } from "../../../shared/errors.ts";
import { formatInventory, type Inventory, parseInventory } from "../../../shared/inventory.ts";

const one: Inventory = {
  buildId: buildId("ab".repeat(20)),
  release: "6.1.0-56-cloud-amd64",
  modules: Array.from({ length: 60 }, (_, i) => objectName(`some_module_${i}`)),
  applied: [updateId("fix-1"), updateId("fix-2.b")],
};

/** The code as a camera sees it: dark and light squares. */
function photographed(text: string) {
  const modules = qrModules(text);
  const scale = 4;
  const size = modules.length * scale;
  const data = new Uint8Array(size * size * 4);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const dark = modules[Math.floor(y / scale)]?.[Math.floor(x / scale)] ?? false;
      data.fill(dark ? 0 : 255, 4 * (y * size + x), 4 * (y * size + x) + 4);
    }
  }
  return { width: size, height: size, data };
}

describe("an inventory", () => {
  it("is one line that says all of it, and is read back", () => {
    const line = formatInventory(one);
    expect(line).toMatch(
      /^rebootless-1 (?:ab){20} 6\.1\.0-56-cloud-amd64 modules=some_module_0,\S+ updates=fix-1,fix-2\.b [0-9a-f]{8}$/,
    );
    expect(parseInventory(`  ${line}\r\n`)).toEqual(one);
    const bare = { ...one, modules: [], applied: [] };
    expect(parseInventory(formatInventory(bare))).toEqual(bare);
  });

  it("is refused with any slip in it, and whatever else it is", () => {
    const line = formatInventory(one);
    fc.assert(
      fc.property(fc.nat(line.length - 1), fc.constantFrom(..."abz019-.,= "), (at, letter) => {
        if (line[at] === letter) return;
        const slip = line.slice(0, at) + letter + line.slice(at + 1);
        expect(() => parseInventory(slip)).toThrow();
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseInventory(text);
          expect.unreachable();
        } catch (error) {
          expect(isCode(error, "parse")).toBe(true);
        }
      }),
    );
  });

  it("is read by a camera", () => {
    const line = formatInventory(one);
    expect(decodeQr(photographed(line))).toBe(line);
    const lines = qrLines(line);
    expect(lines).toHaveLength(Math.ceil(qrModules(line).length / 2));
    for (const text of lines) {
      expect(text.startsWith("\u001b[30;107m") && text.endsWith("\u001b[0m")).toBe(true);
    }
  });
});
