import { writeFile } from "node:fs/promises";
import { SEGMENT_TYPE } from "../../shared/elf/program_headers.ts";
import { bootGuest } from "../../test/guest/guest.ts";
import type { Kernel } from "../../test/guest/machine.ts";
import { type Capture, captureCore } from "../../test/runpre/capture.ts";
import { buildElf, SEGMENTS_AT } from "../../test/support/elf_builder.ts";

/** A core file as a copy of /proc/kcore is one: its notes and the kernel's text. */
export interface Core {
  readonly path: string;
  /** Where in the file `_text` is. */
  readonly textAt: number;
}

/** Boots a kernel and writes its core. */
export async function writeCore(kernel: Kernel, path: string): Promise<Core> {
  const guest = await bootGuest({ kernel });
  let core: { readonly capture: Capture; readonly notes: Uint8Array };
  try {
    core = await captureCore(guest);
  } finally {
    await guest.close();
  }
  const { capture, notes } = core;
  const segments = [
    { type: SEGMENT_TYPE.note, address: 0n, data: notes },
    { address: capture.text, data: capture.bytes },
  ];
  await writeFile(path, buildElf({ type: CORE, segments }));
  return { path, textAt: SEGMENTS_AT + notes.length };
}

const CORE = 4;
