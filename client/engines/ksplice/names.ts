import type { UpdateId } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { PatchModule } from "../engine.ts";

/** `ksplice_<kid>` is the core of an update on kernels without Ksplice; `ksplice_<kid>_<target>_new` and `_old` its parts. */
const MODULE = /^ksplice_([a-z0-9]{8})(?:_(\w+)_(new|old))?$/;
const KID = /^[a-z0-9]{8}$/;

/** What the name of a loaded module says, if it is one of Ksplice's. */
export interface KspliceModule {
  readonly name: string;
  readonly kid: string;
  readonly role: "core" | "new" | "old";
  /** Undefined for the core. */
  readonly target: string | undefined;
}

export const isKid = (text: string): boolean => KID.test(text);

export function parseModuleName(name: string): KspliceModule | undefined {
  const [, kid, target, role] = MODULE.exec(name) ?? [];
  if (kid === undefined) return undefined;
  return { name, kid, role: role === "new" || role === "old" ? role : "core", target };
}

/** The id that all modules of an update carry in their names. Throws `unsupported` where they do not. */
export function kidOf(id: UpdateId, modules: readonly PatchModule[]): string {
  const kids = new Set(modules.map((module) => checkedName(id, module).kid));
  const [kid, ...others] = kids;
  if (kid !== undefined && others.length === 0) return kid;
  throw new RebootlessError("unsupported", `${id}: its modules do not carry one Ksplice id`);
}

/** Names decide, as they do in the kernel; the module that is the update's own (`patch`) may have any of them. */
function checkedName(id: UpdateId, { name, role, target }: PatchModule): KspliceModule {
  const parsed = parseModuleName(name);
  const agrees = role === "patch" || (parsed?.role === role && (parsed.target ?? null) === target);
  if (parsed && agrees) return parsed;
  throw new RebootlessError("unsupported", `${id}: ${name} is no Ksplice module of its role`);
}
