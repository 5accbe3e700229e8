import { differentiate, type UnitDifference } from "../../../publisher/create/difference.ts";
import type { PatchObject, PatchSection, PatchTarget } from "../../../publisher/create/patch_object.ts";
import { type ObjectName, VMLINUX } from "../../../shared/brand.ts";
import { compiled, kernelWith, moduleWith } from "./compiled.ts";

/** Compares a unit before and after a patch with the kernel, or the module, that ships it. */
export async function between(
  before: string,
  after: string,
  { object = VMLINUX, shipped = before, beside = [] as readonly string[] } = {},
): Promise<UnitDifference> {
  const kernel = object === VMLINUX ? kernelWith(shipped, ...beside) : moduleWith(shipped, object, ...beside);
  const pair = {
    source: "unit.c",
    object,
    before: await compiled(before),
    after: await compiled(after),
    sourceBefore: before,
    sourceAfter: after,
  };
  return differentiate(pair, await kernel);
}

/** Returns the part of the livepatch module that comes out. */
export async function patchOf(...pair: Parameters<typeof between>): Promise<PatchObject> {
  const found = await between(...pair);
  if (found.kind !== "patch") throw new Error(JSON.stringify(found));
  return found.patch;
}

export const section = ({ sections }: PatchObject, name: string): PatchSection | undefined =>
  sections.find((one) => one.name === name);

export const targets = (patch: PatchObject, name: string): readonly PatchTarget[] =>
  section(patch, name)?.relocations.map(({ target }) => target) ?? [];

export const livepatch = (name: string, position = 0, object: ObjectName = VMLINUX): PatchTarget => ({
  kind: "livepatch",
  object,
  name,
  position,
});

/** A static branch that is off as compiled: five bytes of nothing, which the kernel makes a jump. */
export const BRANCH = `
#define BRANCH(key, yes) asm goto("1: .byte 0x0f,0x1f,0x44,0x00,0x00\\n.pushsection __jump_table,\\"aw\\"\\n.balign 8\\n.long 1b - .\\n.long %l[" #yes "] - .\\n.quad %c0 - .\\n.popsection" :: "i"(&key) :: yes)
`;
