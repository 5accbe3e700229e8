import { variablesOf } from "../../shared/runpre/file/variables.ts";
import type { FunctionFingerprint } from "../../shared/runpre/fingerprint.ts";
import { hasExtent } from "../../shared/runpre/module/bind.ts";
import type { ModuleBase, ModuleLayout } from "../../shared/runpre/module/layout.ts";
import type { Site } from "../../shared/runpre/sites/site_kinds.ts";

/** The functions of a module and the layout that their sites refer to. */
export interface LaidOut {
  readonly layout: ModuleLayout;
  readonly functions: readonly FunctionFingerprint[];
}

/**
 * Removes from the layout what the functions do not refer to, because an update replaces only a few functions of a
 * module.
 */
export function usedLayout({ layout, functions }: LaidOut): LaidOut {
  const used = new Set<number>([0]);
  const note = (site: Site): void => {
    if (site.kind === "moved" || site.kind === "moved_call") used.add(site.base);
    if (site.kind === "alternative") for (const form of site.forms) form.sites.forEach(note);
  };
  for (const { sites } of functions) {
    sites.forEach(note);
    for (const site of sites) for (const offset of variablesOf(site)) used.add(baseAt(layout.bases, offset));
  }
  const numbers = [...used].filter((number) => number >= 0).sort((a, b) => a - b);
  const renumbered = new Map(numbers.map((old, now) => [old, now] as const));
  return {
    layout: { ...layout, bases: layout.bases.filter((_, number) => used.has(number)) },
    functions: functions.map((fn) => ({ ...fn, sites: fn.sites.map((site) => renumber(site, renumbered)) })),
  };
}

const baseAt = (bases: readonly ModuleBase[], offset: number): number =>
  bases.findIndex((base) => hasExtent(base) && offset >= base.at && offset < base.at + base.size);

function renumber(site: Site, numbers: ReadonlyMap<number, number>): Site {
  switch (site.kind) {
    case "moved":
    case "moved_call":
      return { ...site, base: numbers.get(site.base) ?? site.base };
    case "alternative": {
      const forms = site.forms.map((form) => ({
        ...form,
        sites: form.sites.map((inner) => renumber(inner, numbers)),
      }));
      return { ...site, forms };
    }
    default:
      return site;
  }
}
