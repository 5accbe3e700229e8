import { lstat, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/*
 * A kernel's configuration asks tools for their versions that C code does not depend on. Programs that stand in for them
 * give the answers that the kernel was configured with, so that the configuration comes out the same without them. They
 * do nothing else.
 */

/** The script of the source that says whether Rust code can be compiled (init/Kconfig, RUST_IS_AVAILABLE). */
const RUST_IS_AVAILABLE = "scripts/rust_is_available.sh";

/** Returns the variables that make kbuild call the programs that stand in for others. */
export const standInVariables = (out: string): readonly string[] => [
  `PAHOLE=${join(out, "pahole")}`,
  `RUSTC=${join(out, "rustc")}`,
  `BINDGEN=${join(out, "bindgen")}`,
];

/**
 * Writes the programs that stand in for pahole, rustc and bindgen into the build folder, and the answer to whether Rust
 * code can be compiled in place of a link of the tree.
 * @param config the kernel's configuration.
 */
export async function writeStandIns(tree: string, out: string, config: string): Promise<void> {
  const program = (path: string, text: string): Promise<void> =>
    writeFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  for (const [name, text] of Object.entries(standIns(config))) await program(join(out, name), text);
  const script = join(tree, RUST_IS_AVAILABLE);
  if ((await lstat(script).catch(() => undefined)) === undefined) return;
  await rm(script);
  await program(script, isSet(config, "RUST_IS_AVAILABLE") ? "exit 0" : "exit 1");
}

/** Returns the scripts of the programs, by their names. One that the kernel was configured without fails. */
export function standIns(config: string): Readonly<Record<"pahole" | "rustc" | "bindgen", string>> {
  const rustc = textOf(config, "RUSTC_VERSION_TEXT");
  const bindgen = textOf(config, "BINDGEN_VERSION_TEXT");
  const llvm = numberOf(config, "RUSTC_LLVM_VERSION");
  const pahole = numberOf(config, "PAHOLE_VERSION");
  return {
    // Without pahole, the configuration would drop DEBUG_INFO_BTF_MODULES, which changes struct module.
    pahole: `echo v${Math.floor(pahole / 100)}.${pahole % 100}`,
    rustc:
      rustc === ""
        ? "exit 1"
        : `echo '${rustc}'\n[ "$2" != --verbose ] || echo 'LLVM version: ${dotted(llvm)}'`,
    bindgen: bindgen === "" ? "exit 1" : `echo '${bindgen}'`,
  };
}

const isSet = (config: string, name: string): boolean => config.includes(`\nCONFIG_${name}=y\n`);

/** Returns a text of the configuration, or "" if it has anything in it that a version has not. */
const textOf = (config: string, name: string): string =>
  new RegExp(`^CONFIG_${name}="([\\w .,:()+~-]*)"$`, "m").exec(config)?.[1] ?? "";

const numberOf = (config: string, name: string): number =>
  Number(new RegExp(`^CONFIG_${name}=(\\d{1,8})$`, "m").exec(config)?.[1] ?? 0);

/** Returns "19.1.7" for 190107, as scripts/rustc-llvm-version.sh has it the other way round. */
const dotted = (version: number): string =>
  [Math.floor(version / 10_000), Math.floor(version / 100) % 100, version % 100].join(".");
