import type { BuildId } from "../../shared/brand.ts";
import { concatBytes, fromHex, utf8 } from "../../shared/bytes.ts";
import { findVmcoreInfo, type VmcoreInfo } from "../../shared/elf/vmcoreinfo.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { KernelIdentity } from "../../shared/kernel_identity.ts";
import type { CoreFile } from "../host/core_file.ts";
import type { KernelCore } from "../host/kcore.ts";

/**
 * Requires that fingerprints are of the kernel that they are compared with. In another build, nearly every function differs.
 *
 * @throws RebootlessError `not_covered`.
 */
export function requireBuild(
  fingerprints: KernelIdentity,
  found: Pick<KernelIdentity, "buildId" | "release">,
  what: string,
): void {
  if (fingerprints.buildId === found.buildId) return;
  throw new RebootlessError(
    "not_covered",
    `the fingerprints are of ${fingerprints.release} (build ID ${fingerprints.buildId}), but ${what} is ${found.release} (${found.buildId})`,
    {
      hint: "Make fingerprints of this kernel: `rebootless-publish fingerprint VMLINUZ -o FILE`.",
      details: { fingerprints: fingerprints.buildId, found: found.buildId },
    },
  );
}

/**
 * Requires that fingerprints are of the kernel in a core file, by its note VMCOREINFO or, if it has none, by the note with
 * the build ID in its memory.
 *
 * @throws RebootlessError `not_covered`.
 */
export function requireCoreBuild(fingerprints: KernelIdentity, memory: KernelCore): void {
  const { core } = memory;
  const said = whatItSays(core);
  if (said !== undefined) requireBuild(fingerprints, said, core.path);
  if (said !== undefined || hasNote(memory, fingerprints.buildId)) return;
  throw new RebootlessError(
    "not_covered",
    `${core.path} is not the memory of ${fingerprints.release}: it does not contain the build ID ${fingerprints.buildId}`,
    { hint: "It has no note VMCOREINFO, so it is not known which kernel it is of." },
  );
}

function whatItSays(core: CoreFile): VmcoreInfo | undefined {
  const notes = core.notes();
  return notes && findVmcoreInfo(notes);
}

const NOTE_HEAD = Uint8Array.of(4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, ...utf8("GNU\0"));
const PIECE = 1024 * 1024;
/** How far the note is searched for. The kernel's notes follow its read-only data, some 60 MB behind its start at most. */
const SEARCHED = 256n * 1024n * 1024n;

/** Whether the kernel's memory contains its note with the build ID, which /sys/kernel/notes shows of a running kernel. */
function hasNote({ core, text }: KernelCore, id: BuildId): boolean {
  const note = Buffer.from(concatBytes([NOTE_HEAD, fromHex(id)]));
  const segments = core.segments.filter(({ start }) => start >= text && start < text + SEARCHED);
  return segments.some(({ start, end }) => {
    for (let at: bigint = start; at < end && at < text + SEARCHED; at += BigInt(PIECE - note.length)) {
      const length = end - at < BigInt(PIECE) ? Number(end - at) : PIECE;
      if (Buffer.from(core.read(at, length).buffer).includes(note)) return true;
    }
    return false;
  });
}
