import { VMLINUX } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { TargetObject, Update } from "../../shared/feed/update.ts";
import { type BoundModule, bindModule } from "../../shared/runpre/module/bind.ts";
import type { RunningModules } from "../host/modules.ts";
import type { ObjectMatch, RunningCode } from "./running_code.ts";

/** An object whose code was found in the running kernel. */
export type PlacedObject = BoundModule & { readonly outcome: "placed" };
type NotPlaced = Extract<ObjectMatch, { readonly outcome: "other_build" | "not_loaded" }>;

/**
 * Finds the code of an object in the running kernel. The build ID is compared first, because comparing the code of
 * another build would say nothing.
 *
 * @throws RebootlessError `unsupported` for a module whose code cannot be found.
 */
export function placeObject(
  { name, buildId, layout }: TargetObject,
  { landmarks, memory }: Pick<RunningCode, "landmarks" | "memory">,
  modules: RunningModules,
): PlacedObject | NotPlaced {
  if (name === VMLINUX) return { outcome: "placed", landmarks, moves: [], bind: (fn) => fn };
  const loaded = modules.find(name);
  if (loaded === undefined) return { outcome: "not_loaded" };
  if (buildId === null || layout === null) {
    throw new RebootlessError(
      "unsupported",
      `the fingerprints of module ${name} do not say which build they are of`,
      {
        hint: "An update that cannot be matched is not applied. Its publisher must make it again.",
      },
    );
  }
  if (loaded.buildId !== buildId) return { outcome: "other_build", wanted: buildId, found: loaded.buildId };
  return { outcome: "placed", ...bindModule(layout, loaded, landmarks, memory.text) };
}

export function objectRefusal(
  update: Update,
  { name }: TargetObject,
  match: Exclude<ObjectMatch, { readonly outcome: "match" }>,
): RebootlessError {
  switch (match.outcome) {
    case "mismatch":
      return match.error;
    case "not_loaded":
      return new RebootlessError("runpre", `${update.id} changes the module ${name}, which is not loaded`, {
        hint: "Load the module, or apply with --partial.",
        details: { cause: "target_not_loaded", object: name },
      });
    case "other_build":
      return new RebootlessError(
        "runpre",
        `the loaded ${name} is not the one that ${update.id} was made for: its build ID is ${match.found ?? "missing"}`,
        {
          hint: "It is from another package, or a vendor's own. Load the one from the kernel's package, or reboot into that package's kernel.",
          details: { cause: "no_match", object: name, expected: match.wanted, found: match.found ?? "none" },
        },
      );
  }
}
