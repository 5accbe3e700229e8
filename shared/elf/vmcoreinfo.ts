import { type BuildId, buildId } from "../brand.ts";
import { parseNotes } from "./notes.ts";
import { latin1 } from "./strings.ts";

/**
 * The facts that a kernel states about itself for readers of its memory (Linux,
 * Documentation/admin-guide/kdump/vmcoreinfo.rst).
 */
export interface VmcoreInfo {
  /** The release, as `uname -r` prints it. */
  readonly release: string;
  readonly buildId: BuildId;
}

/**
 * Reads the note VMCOREINFO, lines `NAME=value`. /proc/kcore and crash dumps have it; dumps taken by the host
 * of a virtual machine may lack it.
 * @throws ParseError on malformed notes.
 */
export function findVmcoreInfo(notes: Uint8Array): VmcoreInfo | undefined {
  const note = parseNotes(notes).find(({ name }) => name === "VMCOREINFO");
  if (note === undefined) return undefined;
  const lines = latin1(note.description).split("\n");
  const value = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
  const id = value("BUILD-ID"); // since Linux 5.9
  return id === undefined ? undefined : { release: value("OSRELEASE") ?? "unknown", buildId: buildId(id) };
}
