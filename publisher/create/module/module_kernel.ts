import type { Address } from "../../../shared/brand.ts";
import { stringAt } from "../../../shared/elf/strings.ts";
import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import { kernelBtf, memberOffset, type StructLayout, structLayouts } from "../../image/btf.ts";
import type { KernelImage } from "../../image/kernel_image.ts";
import type { Callback } from "../../module/target_objects.ts";
import { imageTables } from "../resolve/derived_tables.ts";

/**
 * The facts that a module must know about the kernel that will load it. All of them come from the image and
 * its symvers.
 */
export interface ModuleKernel {
  /** The string that the loader compares, with the kernel's release and options. */
  readonly vermagic: string;
  readonly structs: ModuleStructs;
  /** The checksums of the kernel's exports (Module.symvers), by name. */
  readonly crcs: ReadonlyMap<string, number>;
  /** True if the kernel warns of modules that do not say retpoline=Y. */
  readonly wantsRetpoline: boolean;
  /**
   * True if the kernel's code returns by a jump to __x86_return_thunk, which the loader may turn back into a
   * return.
   */
  readonly hasReturnThunk: boolean;
  /** The unwind data at the start of a function (struct orc_entry), if the kernel unwinds by ORC. */
  readonly unwindAtEntry: Uint8Array | undefined;
}

/** The layouts of the structures that a livepatch module is made of (include/linux/module.h, livepatch.h). */
export interface ModuleStructs {
  readonly module: {
    readonly size: number;
    readonly name: number;
    readonly init: number;
    readonly exit: number;
  };
  readonly patch: {
    readonly size: number;
    readonly mod: number;
    readonly objs: number;
    readonly replace: number;
  };
  readonly object: {
    readonly size: number;
    readonly name: number;
    readonly funcs: number;
    /** The offset of the pointer to each callback. */
    readonly callbacks: Readonly<Record<Callback, number>>;
  };
  readonly func: {
    readonly size: number;
    readonly oldName: number;
    readonly newFunc: number;
    readonly oldPosition: number;
  };
}

// An example is "6.1.0-55-cloud-amd64 SMP preempt mod_unload modversions ".
const MAX_VERMAGIC = 256;

/**
 * Reads the facts that a module needs from a kernel's image.
 * @throws ParseError.
 * @throws RebootlessError `unsupported` for a kernel without livepatch, BTF or kallsyms of data.
 */
export function moduleKernel(
  image: Pick<KernelImage, "symbols" | "memory" | "sections">,
  crcs: ReadonlyMap<string, number>,
): ModuleKernel {
  const has = (name: string): boolean => image.symbols.named(name).length > 0;
  const [enable] = image.symbols.named("klp_enable_patch");
  if (enable === undefined) {
    throw new RebootlessError("unsupported", "the kernel has no livepatch", {
      hint: "It must be built with CONFIG_LIVEPATCH.",
    });
  }
  return {
    vermagic: readVermagic(image),
    structs: moduleStructs(kernelBtf(image)),
    crcs,
    wantsRetpoline: has("retpoline_module_ok"),
    hasReturnThunk: has("__x86_return_thunk"),
    unwindAtEntry: imageTables(image).unwind(enable.address, enable.address + 1n)[0]?.entry,
  };
}

function readVermagic({ symbols, memory }: Pick<KernelImage, "symbols" | "memory">): string {
  const symbol = symbols.only("vermagic");
  const segment =
    symbol &&
    memory.segments.find(
      ({ address, bytes }) => symbol.address >= address && symbol.address < address + BigInt(bytes.length),
    );
  if (symbol === undefined || segment === undefined) {
    throw new RebootlessError("unsupported", "kallsyms does not say where the kernel's vermagic is", {
      hint: "The kernel must have CONFIG_KALLSYMS_ALL.",
    });
  }
  const from = Number(symbol.address - (segment.address satisfies Address));
  const text = stringAt(segment.bytes.subarray(from, from + MAX_VERMAGIC), 0, "vermagic");
  if (!/^[\x21-\x7e]+( [\x21-\x7e]+)* ?$/.test(text))
    throw new ParseError(`not a vermagic: ${JSON.stringify(text)}`);
  return text;
}

/** Reads the layouts of the structures from the kernel's BTF. @throws ParseError. */
export function moduleStructs(btf: Uint8Array): ModuleStructs {
  const layouts = structLayouts(btf, ["module", "klp_patch", "klp_object", "klp_callbacks", "klp_func"]);
  const at = (struct: string, member: string): number => memberOffset(layoutOf(layouts, struct), member);
  const size = (struct: string): number => layoutOf(layouts, struct).size;
  const callback = (name: Callback): number => at("klp_object", "callbacks") + at("klp_callbacks", name);
  return {
    module: {
      size: size("module"),
      name: at("module", "name"),
      init: at("module", "init"),
      exit: at("module", "exit"),
    },
    patch: {
      size: size("klp_patch"),
      mod: at("klp_patch", "mod"),
      objs: at("klp_patch", "objs"),
      replace: at("klp_patch", "replace"),
    },
    object: {
      size: size("klp_object"),
      name: at("klp_object", "name"),
      funcs: at("klp_object", "funcs"),
      callbacks: {
        pre_patch: callback("pre_patch"),
        post_patch: callback("post_patch"),
        pre_unpatch: callback("pre_unpatch"),
        post_unpatch: callback("post_unpatch"),
      },
    },
    func: {
      size: size("klp_func"),
      oldName: at("klp_func", "old_name"),
      newFunc: at("klp_func", "new_func"),
      oldPosition: at("klp_func", "old_sympos"),
    },
  };
}

function layoutOf(layouts: ReadonlyMap<string, StructLayout>, name: string): StructLayout {
  const layout = layouts.get(name);
  if (layout === undefined) throw new ParseError(`BTF: no struct ${name}`);
  return layout;
}
