import { type BuildId, buildId } from "../brand.ts";
import { parseNotes } from "./notes.ts";
import { latin1 } from "./strings.ts";

/** What a kernel says of itself to those who read its memory: Linux, Documentation/admin-guide/kdump/vmcoreinfo.rst. */
export interface VmcoreInfo {
  /** `uname -r`. */
  readonly release: string;
  readonly buildId: BuildId;
}

/**
 * The note VMCOREINFO: lines `NAME=value`. /proc/kcore and crash dumps have it, those of a virtual machine's host may not.
 * @throws ParseError on malformed notes.
 */
export function findVmcoreInfo(notes: Uint8Array): VmcoreInfo | undefined {
  const note = parseNotes(notes).find(({ name }) => name === "VMCOREINFO");
  if (note === undefined) return undefined;
  const lines = latin1(note.description).split("\n");
  const value = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
  const id = value("BUILD-ID"); // since 5.9
  return id === undefined ? undefined : { release: value("OSRELEASE") ?? "unknown", buildId: buildId(id) };
}
