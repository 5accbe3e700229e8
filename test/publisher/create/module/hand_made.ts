import type { ModuleKernel } from "../../../../publisher/create/module/module_kernel.ts";
import type {
  PatchObject,
  PatchRelocation,
  PatchSection,
  PatchTarget,
} from "../../../../publisher/create/patch_object.ts";
import { objectName } from "../../../../shared/brand.ts";
import { utf8 } from "../../../../shared/bytes.ts";
import { R_X86_64 } from "../../../../shared/elf/rela.ts";

/** Debian's 6.1.0-56-cloud-amd64, as pahole and modinfo tell of it. */
export const KERNEL_6_1: ModuleKernel = {
  vermagic: "6.1.0-56-cloud-amd64 SMP preempt mod_unload modversions ",
  structs: {
    module: { size: 896, name: 24, init: 312, exit: 848 },
    patch: { size: 200, mod: 0, objs: 8, replace: 24 },
    object: {
      size: 168,
      name: 0,
      funcs: 8,
      callbacks: { pre_patch: 16, post_patch: 24, pre_unpatch: 32, post_unpatch: 40 },
    },
    func: { size: 152, oldName: 0, newFunc: 8, oldPosition: 16 },
  },
  crcs: new Map([
    ["klp_enable_patch", 0x79b3c37e],
    ["module_layout", 0xa351f379],
    ["__x86_return_thunk", 0x5b8239ca],
  ]),
  wantsRetpoline: true,
  hasReturnThunk: true,
  unwindAtEntry: Uint8Array.of(8, 0, 0, 0, 5, 0),
};

export const vmlinux = (name: string, position = 0): PatchTarget => ({
  kind: "livepatch",
  object: objectName("vmlinux"),
  name,
  position,
});
export const own = (section: number, offset = 0): PatchTarget => ({ kind: "own", section, offset });

export const text = (
  name: string,
  code: readonly number[],
  relocations: readonly PatchRelocation[] = [],
): PatchSection => ({
  name: `.text.${name}`,
  type: 1,
  flags: 6n,
  align: 16,
  entrySize: 0,
  size: code.length,
  bytes: Uint8Array.from(code),
  relocations,
});

export const strings = (value: string): PatchSection => {
  const bytes = utf8(`${value}\0`);
  return {
    name: ".rodata.str1.1",
    type: 1,
    flags: 0x32n,
    align: 1,
    entrySize: 1,
    size: bytes.length,
    bytes,
    relocations: [],
  };
};

/** sub $8, %rsp; mov $string, %rsi; mov $length, %edx; call seq_write; xor %eax, %eax; add $8, %rsp; ret */
const write = (length: number): readonly number[] => [
  ...[0x48, 0x83, 0xec, 0x08],
  ...[0x48, 0xc7, 0xc6, 0, 0, 0, 0],
  ...[0xba, length, 0, 0, 0],
  ...[0xe8, 0, 0, 0, 0],
  ...[0x31, 0xc0],
  ...[0x48, 0x83, 0xc4, 0x08],
  0xc3,
];

/** Assembled by hand: reading /proc/version gives `line`, of at most 255 bytes. */
export function versionUnit(line: string, seqWrite: PatchTarget = vmlinux("seq_write")): PatchObject {
  const code = write(line.length);
  return {
    object: objectName("vmlinux"),
    source: "fs/proc/version.c",
    sections: [
      text("version_proc_show", code, [
        { offset: 7, type: R_X86_64._32S, addend: 0n, target: own(1) },
        { offset: 17, type: R_X86_64.PLT32, addend: -4n, target: seqWrite },
      ]),
      strings(line),
    ],
    symbols: [{ name: "version_proc_show", section: 0, offset: 0, size: code.length, kind: "function" }],
    replaces: [{ name: "version_proc_show", position: 0, section: 0, offset: 0, size: code.length }],
    importNamespaces: [],
  };
}

/** xor %eax, %eax; ret: one function of a module, with a name that the module has several of. */
export const returnZero = (object: string, name: string, position = 0): PatchObject => ({
  object: objectName(object),
  source: `drivers/${object}/${name}.c`,
  sections: [text(name, [0x31, 0xc0, 0xc3])],
  symbols: [{ name, section: 0, offset: 0, size: 3, kind: "function" }],
  replaces: [{ name, position, section: 0, offset: 0, size: 3 }],
  importNamespaces: [],
});
