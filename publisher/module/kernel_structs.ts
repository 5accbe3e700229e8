import { bytes, struct, u8, u32, u32be, u64 } from "../../shared/struct.ts";

/*
 * Structures of the kernel that are found in module files. A pointer is a `u64` that is zero in the file; a relocation
 * says what it points to.
 */

/** The size of a pointer in bytes. */
export const POINTER = 8;

/*
 * Structures of include/linux/livepatch.h. Only the members at the front are declared, which have always been there. What
 * follows them differs between kernels, so the sizes here are those of the declared part.
 */

export const KLP_PATCH = struct(16, { mod: u64(0), objs: u64(8) });

/** A null `name` stands for vmlinux. `callbacks` (since 4.15) are four pointers in a row. */
export const KLP_OBJECT = struct(48, { name: u64(0), funcs: u64(8), callbacks: bytes(16, 32) });

export const KLP_FUNC = struct(24, { name: u64(0), newFunc: u64(8), position: u64(16) });

/** struct kpatch_patch_func of kpatch (kmod/patch/kpatch-patch.h), in the section `.kpatch.funcs`. */
export const KPATCH_FUNC = struct(56, {
  newFunc: u64(0),
  newSize: u64(8),
  oldFunc: u64(16),
  oldSize: u64(24),
  position: u64(32),
  name: u64(40),
  object: u64(48),
});

/** struct kpatch_pre_patch_callback of the same file, and its like for other callbacks. Each kind has its own section. */
export const KPATCH_CALLBACK = struct(16, { callback: u64(0), object: u64(8) });

/** struct klp_object_ext of Linux 6.19 (include/linux/livepatch_external.h), in the section `__klp_objects` or `.init.klp_objects`. */
export const KLP_OBJECT_EXT = struct(64, {
  name: u64(0),
  funcs: u64(8),
  callbacks: bytes(16, 32),
  functionCount: u32(56),
});

/** struct klp_func_ext of the same file. */
export const KLP_FUNC_EXT = struct(24, { name: u64(0), newFunc: u64(8), position: u64(16) });

/** struct modversion_info (include/linux/module.h), in the section `__versions`. The checksum has 32 bits. */
export const MODVERSION_INFO = struct(64, { crc: u64(0), name: bytes(8, 56) });

/** struct module_signature (include/linux/module_signature.h). The length is big-endian. */
export const MODULE_SIGNATURE = struct(12, { idType: u8(2), signatureLength: u32be(8) });
