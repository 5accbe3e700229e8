import type { PatchObject, PatchSection } from "../patch_object.ts";

/** Something that new code keeps of what the kernel prepares at its start, and which ones. */
export interface KeptPart {
  readonly what: string;
  readonly names: readonly string[];
}

/** The tables whose entries name a key, with the words for them. */
const KEYED: ReadonlyMap<string, string> = new Map([
  ["__jump_table", "static keys"],
  [".static_call_sites", "static calls"],
]);
const TRACEPOINT = /^(?:__tracepoint_|__SCK__tp_func_|__SCT__tp_func_)/;

/** Returns what the code of one unit of an update keeps: static keys, static calls, tracepoints and strings. */
export function keptParts({ sections }: PatchObject): readonly KeptPart[] {
  const names = new Map<string, Set<string>>();
  const add = (what: string, name: string): void => {
    names.set(what, (names.get(what) ?? new Set()).add(name));
  };
  for (const section of sections) {
    const what = KEYED.get(section.name);
    if (what !== undefined)
      for (const name of kernelNames(section))
        if (TRACEPOINT.test(name)) add("tracepoints", name.replace(TRACEPOINT, ""));
        else add(what, name.replace(/^__SCK__/, ""));
    if (/^\.rodata(?:\..*)?\.str/.test(section.name))
      for (const text of stringsIn(section.bytes)) add("strings", JSON.stringify(text));
  }
  return [...names].map(([what, found]) => ({ what, names: [...found] }));
}

const kernelNames = ({ relocations }: PatchSection): readonly string[] =>
  relocations.flatMap(({ target }) =>
    target.kind === "livepatch" || target.kind === "export" ? target.name : [],
  );

const stringsIn = (bytes: Uint8Array): readonly string[] =>
  Buffer.from(bytes)
    .toString("latin1")
    .split("\0")
    .filter((text) => text !== "");
