import { writeFile } from "node:fs/promises";
import { ELF_TYPE } from "../../shared/elf/header.ts";
import { SEGMENT_TYPE } from "../../shared/elf/program_headers.ts";
import { observe } from "../../test/proof/runpre/observed.ts";
import { fingerprintKernel } from "../../test/proof/runpre/whole_kernel.ts";
import { withGuest } from "../../test/proof/runpre/with_guest.ts";
import { buildElf, SEGMENTS_AT } from "../../test/support/elf_builder.ts";
import type { Kernel } from "../../test/support/guest/machine.ts";

/** A core file as a copy of /proc/kcore is one: its notes and the kernel's text. */
export interface Core {
  readonly path: string;
  /** Where in the file `_text` is. */
  readonly textAt: number;
}

/** Boots a kernel and writes its core, once it has settled and all of its code is as it should be. */
export async function writeCore(kernel: Kernel, path: string): Promise<Core> {
  const whole = fingerprintKernel(kernel);
  const observed = await withGuest({ kernel }, (guest) => observe(guest, whole));
  const { text, bytes, notes } = observed.capture;
  const segments = [
    { type: SEGMENT_TYPE.note, address: 0n, data: notes },
    { address: text, data: bytes },
  ];
  await writeFile(path, buildElf({ type: ELF_TYPE.core, segments }));
  return { path, textAt: SEGMENTS_AT + notes.length };
}
