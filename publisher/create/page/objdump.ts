import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RebootlessError } from "../../../shared/errors.ts";
import { runBuildTool } from "../source/build_tools.ts";

/** The time that objdump may take for one object, in milliseconds. A large object takes a second. */
const TIMEOUT_MS = 60_000;
/** The most characters that objdump may write for one object. An instruction takes some 60. */
const MAX_LISTING = 32 << 20;

/** An instruction as objdump writes it. */
export interface ListedInstruction {
  /** The offset in its section, in bytes. */
  readonly at: number;
  readonly text: string;
  /** What the linker fills in: "R_X86_64_PLT32 kfree-0x4", and where. */
  readonly relocations: readonly ListedRelocation[];
}

export interface ListedRelocation {
  /** The offset in its section, in bytes. */
  readonly at: number;
  readonly text: string;
}

/** The instructions of an object's sections of code, by the name of the section. */
export type ObjectListing = ReadonlyMap<string, readonly ListedInstruction[]>;

/**
 * Disassembles sections of an object file with objdump(1).
 * @throws RebootlessError `unsupported` if objdump is not installed.
 * @throws RebootlessError `limit` if it takes too long or writes too much.
 * @throws RebootlessError `io` if it cannot read the object.
 */
export async function disassemble(object: Uint8Array, sections: ReadonlySet<string>): Promise<ObjectListing> {
  if (sections.size === 0) return new Map();
  const work = await mkdtemp(join(tmpdir(), "rebootless-objdump-"));
  try {
    const file = join(work, "object.o");
    await writeFile(file, object);
    const chosen = [...sections].map((name) => `--section=${name}`);
    const { code, signal, stdout } = await runBuildTool(
      "objdump",
      ["--disassemble", "--reloc", "--wide", "--no-show-raw-insn", ...chosen, file],
      { timeoutMs: TIMEOUT_MS, maxOutput: MAX_LISTING },
    );
    if (signal !== undefined) throw new RebootlessError("limit", "objdump took too long");
    if (code !== 0) throw new RebootlessError("io", "objdump cannot read the object");
    if (stdout.length >= MAX_LISTING) throw new RebootlessError("limit", "objdump wrote too much");
    return parseListing(stdout);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Reads what `objdump --disassemble --reloc --wide` writes: a line for each instruction, with its relocations. */
export function parseListing(text: string): ObjectListing {
  const listing = new Map<string, ListedInstruction[]>();
  let section: ListedInstruction[] = [];
  for (const line of text.split("\n")) {
    const [, named] = /^Disassembly of section (.+):$/.exec(line) ?? [];
    if (named !== undefined) {
      section = listing.get(named) ?? [];
      listing.set(named, section);
      continue;
    }
    const [, at, rest] = /^ *([0-9a-f]+):\t(.*)$/.exec(line) ?? [];
    if (at === undefined || rest === undefined) continue;
    const [instruction = "", ...relocations] = rest.split(/\t(?=[0-9a-f]+: R_)/);
    section.push({
      at: Number.parseInt(at, 16),
      text: instruction.replaceAll("\t", " ").trim(),
      relocations: relocations.map(relocationOf),
    });
  }
  return listing;
}

function relocationOf(text: string): ListedRelocation {
  const [, at = "0", what = ""] = /^([0-9a-f]+): (.*)$/s.exec(text) ?? [];
  return { at: Number.parseInt(at, 16), text: what.replaceAll(/\s+/g, " ").trim() };
}
