import type { Unit } from "../object/pieces.ts";
import { fieldsOf } from "./fields.ts";
import { layoutNameOf } from "./named_types.ts";
import { type StackUses, stackUses } from "./stack_uses.ts";
import type { TypeTable } from "./type_table.ts";

/** One version of a unit, as the proof needs it. */
export interface StackVersion {
  readonly text: string;
  readonly unit: Pick<Unit, "pieces">;
  readonly types: TypeTable;
}

/**
 * The types by which others find an object while it is on a stack: lists, trees, queues, timers and whatever waits or
 * calls back (include/linux of Linux 6.12).
 */
const FOUND_BY_OTHERS: ReadonlySet<string> = new Set(
  "list_head hlist_head hlist_node hlist_nulls_node hlist_bl_node rb_node llist_node plist_node rhash_head work_struct delayed_work kthread_work irq_work timer_list hrtimer completion wait_queue_entry wait_queue_head swait_queue swait_queue_head rcu_head callback_head kref task_work notifier_block"
    .split(" ")
    .map((name) => `struct ${name}`),
);

/**
 * Proves that no object of a type outlives the switch to or from the update, so that its layout may change. Besides what
 * `stackUses` proves of both texts:
 *
 * - The type contains, at any depth, none of the types by which others find an object.
 * - Every function that has such an object is replaced: no task is switched while it is in a function that is replaced.
 *   A function that the compiler may have put into others counts as all of those, unless the object file shows that they
 *   call it (`frames`).
 *
 * @param name the type: "struct foo".
 * @param replaced the functions that the update replaces, as they are called in the old object file.
 */
export function isStackOnly(
  name: string,
  versions: readonly StackVersion[],
  replaced: ReadonlySet<string>,
): boolean {
  const [, tag, word] = /^(struct|union) (\w+)$/.exec(name) ?? [];
  if (tag === undefined || word === undefined) return false;
  return versions.every(({ text, unit, types }) => {
    const uses = stackUses(text, tag, word);
    return uses !== undefined && !isFoundByOthers(types, name) && areReplaced(uses, unit, replaced);
  });
}

function isFoundByOthers(table: TypeTable, name: string): boolean {
  const names = new Set([name]);
  // A set is gone through in the order in which it grows.
  for (const wanted of names) {
    if (FOUND_BY_OTHERS.has(wanted)) return true;
    for (const type of table.types) {
      const isWanted =
        (type.kind === "struct" || type.kind === "union") && `${type.kind} ${type.name}` === wanted;
      if (!isWanted) continue;
      for (const field of fieldsOf(table, type)) {
        const inner = layoutNameOf(table, field.type);
        if (inner !== undefined) names.add(inner);
      }
    }
  }
  return false;
}

/** Reports whether every compiled function that may have an object of the type on its stack is replaced. */
function areReplaced(
  { holders, calls }: StackUses,
  { pieces }: Pick<Unit, "pieces">,
  replaced: ReadonlySet<string>,
): boolean {
  const compiled = new Map<string, string[]>();
  const references = new Map<string, Map<string, number>>();
  for (const { role, names, references: all } of pieces) {
    const [own] = names;
    if (role !== "code" || own === undefined) continue;
    const counts = references.get(baseOf(own)) ?? new Map<string, number>();
    references.set(baseOf(own), counts);
    if (!/\.cold\b/.test(own)) compiled.set(baseOf(own), [...(compiled.get(baseOf(own)) ?? []), own]);
    for (const { target } of all) {
      const called = target.kind === "piece" ? pieces[target.piece]?.names[0] : target.name;
      if (called !== undefined) counts.set(baseOf(called), (counts.get(baseOf(called)) ?? 0) + 1);
    }
  }
  // The set grows with the functions into which the compiler put those that are in it.
  const frames = new Set(holders);
  for (const frame of frames) {
    const own = compiled.get(frame) ?? [];
    if (own.some((name) => !replaced.has(name))) return false;
    for (const [caller, counts] of calls) {
      const named = counts.get(frame) ?? 0;
      const isCalled = own.length > 0 && (references.get(caller)?.get(frame) ?? 0) >= named;
      if (named > 0 && !isCalled) frames.add(caller);
    }
  }
  return true;
}

/** Returns the name in the source of a function that the compiler has split or cloned: "f" for "f.isra.0". */
const baseOf = (name: string): string => name.split(".", 1)[0] ?? name;
