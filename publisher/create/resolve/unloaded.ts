import { type ObjectName, VMLINUX } from "../../../shared/brand.ts";
import { type ChangeRefusal, changeRefusal } from "../diff/refusal.ts";
import type { PartPlace, PatchObject } from "../patch_object.ts";
import type { RelyOn } from "./dependencies.ts";

/** A section of a part of the update, by the object of the part and the section's number. */
interface Reached {
  readonly part: PatchObject;
  readonly section: number;
}

/**
 * Refuses references from a part of the update into the part for a module that may not be loaded when they
 * are followed. Everything is in memory with the update, but livepatch fills in a module's symbols only when
 * that module is loaded (Documentation/livepatch/module-elf-format.rst).
 */
export function refuseUnloaded(
  user: PatchObject,
  parts: readonly PatchObject[],
  relyOn: RelyOn,
): readonly ChangeRefusal[] {
  const partOf = ({ object, source }: PartPlace): PatchObject | undefined =>
    parts.find((part) => part.object === object && part.source === source);
  const queue: Reached[] = [];
  const passed = new Map<PatchObject, Set<number>>();
  const reach = (part: PatchObject, section: number): void => {
    const sections = passed.get(part) ?? new Set();
    if (sections.has(section)) return;
    passed.set(part, sections.add(section));
    queue.push({ part, section });
  };
  const follow = (part: PatchObject, section: number, isOwn: boolean): void => {
    for (const { target } of part.sections[section]?.relocations ?? []) {
      if (target.kind === "own" && isOwn) reach(part, target.section);
      const other = target.kind === "part" ? partOf(target) : undefined;
      if (target.kind === "part" && other !== undefined) reach(other, target.section);
    }
  };
  for (const section of user.sections.keys()) follow(user, section, false);
  const refusals = new Map<string, ChangeRefusal>();
  for (const { part, section } of queue) {
    const needed = neededSymbol(part, section);
    if (needed !== undefined && part.object !== user.object && !relyOn(user.object, part.object)) {
      const refusal = refusalOf(user.object, part, section, needed);
      refusals.set(refusal.subject, refusal);
    }
    follow(part, section, true);
  }
  return [...refusals.values()];
}

/** Returns a symbol of a module that a section refers to. */
function neededSymbol({ sections }: PatchObject, section: number): string | undefined {
  for (const { target } of sections[section]?.relocations ?? [])
    if (target.kind === "livepatch" && target.object !== VMLINUX) return target.name;
  return undefined;
}

function refusalOf(user: ObjectName, part: PatchObject, section: number, needed: string): ChangeRefusal {
  const name = part.symbols.find((symbol) => symbol.section === section)?.name ?? "";
  return changeRefusal(
    "unresolved",
    name,
    `new code for ${user} uses it, but it refers to ${needed} of the module ${part.object}, which need not be loaded then`,
    `Define it in ${user}, or let it do without symbols of ${part.object}.`,
  );
}
