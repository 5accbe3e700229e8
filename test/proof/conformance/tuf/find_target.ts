import { sha256Of } from "../../../../node/crypto.ts";
import { utf8 } from "../../../../shared/bytes.ts";
import { RebootlessError } from "../../../../shared/errors.ts";
import { rolesFor, type TargetPath } from "../../../../shared/tuf/delegations.ts";
import {
  type MetadataSource,
  type MetadataStore,
  type OnDamage,
  recall,
} from "../../../../shared/tuf/metadata_io.ts";
import type { TargetFile, Targets } from "../../../../shared/tuf/schema.ts";
import type { Edge, TrustedSet } from "../../../../shared/tuf/trusted_set.ts";

export interface FindOptions {
  readonly source: MetadataSource;
  readonly store: MetadataStore;
  readonly onDamage?: OnDamage;
}

/** 5.6.7.1: delegated roles visited for one target. A well-kept repository nests two or three deep. */
export const MAX_VISITED_ROLES = 32;

/**
 * 5.6.7: what is signed for a target path, by `targets` or by whom it delegates to; undefined where nobody has it.
 * Pre-order and by priority; a terminating delegation ends the search below it. A role that cannot be had or does
 * not verify ends the search with an error: who may answer first must not be passed over.
 *
 * @param trusted refreshed; delegated roles are fetched into it as they are needed.
 */
export async function findTarget(
  trusted: TrustedSet,
  path: string,
  options: FindOptions,
): Promise<TargetFile | undefined> {
  const target = { text: path, sha256: sha256Of(utf8(path)) };
  const visited = new Set<string>();
  let pending: readonly Edge[] = [];
  for (let here = trusted.targets; here !== undefined; ) {
    const file = here.targets.get(path);
    if (file) return file;
    pending = following(here, target, pending).filter(({ role }) => !visited.has(role.name));
    const next = pending[0];
    if (!next) return undefined;
    if (visited.size >= MAX_VISITED_ROLES) throw tooMany(path);
    visited.add(next.role.name);
    here = await visit(trusted, next, options);
  }
  throw new RebootlessError("trust", "no target can be named before targets was verified");
}

/** What is to be visited after a role, the next first: whom it delegates to, then who was waiting before. */
function following(here: Targets, target: TargetPath, waiting: readonly Edge[]): readonly Edge[] {
  const roles = here.delegations ? rolesFor(here.delegations, target) : [];
  const edges = roles.map((role) => ({ delegator: here, role }));
  return roles.some((role) => role.terminating) ? edges : [...edges, ...waiting];
}

async function visit(trusted: TrustedSet, edge: Edge, options: FindOptions): Promise<Targets> {
  const { name } = edge.role;
  const take = (bytes: Uint8Array) => trusted.updateDelegated(edge, bytes);
  const meta = trusted.targetsMeta(name);
  const known = trusted.delegated(edge) ?? (await recall(name, options, take))?.value;
  if (known) return known;
  const consistent = trusted.root.consistentSnapshot;
  const bytes = await options.source.targets({ role: name, meta, consistent });
  const targets = await take(bytes);
  await options.store.write(name, bytes); // 5.6.6
  return targets;
}

function tooMany(path: string): RebootlessError {
  const shown = JSON.stringify(path.slice(0, 80));
  return new RebootlessError(
    "limit",
    `more than ${MAX_VISITED_ROLES} roles stand between targets and ${shown}`,
  );
}
