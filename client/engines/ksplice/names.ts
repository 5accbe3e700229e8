import type { UpdateId } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { PatchModule } from "../engine.ts";

/** `ksplice_<kid>` is the core of an update for kernels without Ksplice; `ksplice_<kid>_<target>_new` and `_old` are its parts. */
const MODULE = /^ksplice_([a-z0-9]{8})(?:_(\w+)_(new|old))?$/;
const KID = /^[a-z0-9]{8}$/;

/** A module of a Ksplice update, parsed from its name. */
export interface KspliceModule {
  readonly name: string;
  readonly kid: string;
  readonly role: "core" | "new" | "old";
  /** The object that the module changes; undefined for the core. */
  readonly target: string | undefined;
}

export const isKid = (text: string): boolean => KID.test(text);

export function parseModuleName(name: string): KspliceModule | undefined {
  const [, kid, target, role] = MODULE.exec(name) ?? [];
  if (kid === undefined) return undefined;
  return { name, kid, role: role === "new" || role === "old" ? role : "core", target };
}

/**
 * Returns the Ksplice id that the names of all modules of an update contain.
 *
 * @throws RebootlessError `unsupported` if they do not contain one and the same.
 */
export function kidOf(id: UpdateId, modules: readonly PatchModule[]): string {
  const kids = new Set(modules.map((module) => checkedName(id, module).kid));
  const [kid, ...others] = kids;
  if (kid !== undefined && others.length === 0) return kid;
  throw new RebootlessError("unsupported", `${id}: the names of its modules do not contain one Ksplice id`);
}

/** Checks that a module's name agrees with its role, as the kernel goes by names. The role `patch` may have any name of Ksplice's. */
function checkedName(id: UpdateId, { name, role, target }: PatchModule): KspliceModule {
  const parsed = parseModuleName(name);
  const agrees = role === "patch" || (parsed?.role === role && (parsed.target ?? null) === target);
  if (parsed && agrees) return parsed;
  throw new RebootlessError("unsupported", `${id}: ${name} is not the name of a Ksplice module of its role`);
}
