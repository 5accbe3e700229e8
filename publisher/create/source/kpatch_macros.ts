import type { FileChange } from "./apply_patch.ts";

/** The place of the header, in the folder that every unit of the kernel looks for headers in. */
export const KPATCH_MACROS = "include/kpatch-macros.h";

/**
 * The macros that patches for kpatch-build use (its doc/patch-author-guide.md), in words of our own. A callback becomes
 * a hook: a function of the name by which hooks are found. What kpatch is told to ignore is no less right if it is
 * replaced, and its consistency check cannot be switched off in livepatch.
 */
const TEXT = `#ifndef REBOOTLESS_KPATCH_MACROS
#define REBOOTLESS_KPATCH_MACROS
#include <linux/livepatch.h>
#include <linux/printk.h>
#include <linux/static_call.h>
typedef struct klp_object patch_object;
#define KPATCH_PRE_PATCH_CALLBACK(function) \\
	int pre_patch(struct klp_object *object); \\
	int pre_patch(struct klp_object *object) { return function(object); }
#define REBOOTLESS_HOOK(name, function) \\
	void name(struct klp_object *object); \\
	void name(struct klp_object *object) { function(object); }
#define KPATCH_POST_PATCH_CALLBACK(function) REBOOTLESS_HOOK(post_patch, function)
#define KPATCH_PRE_UNPATCH_CALLBACK(function) REBOOTLESS_HOOK(pre_unpatch, function)
#define KPATCH_POST_UNPATCH_CALLBACK(function) REBOOTLESS_HOOK(post_unpatch, function)
#define KPATCH_PRINTK(...) printk(__VA_ARGS__)
#define KPATCH_STATIC_CALL(name) \\
	((typeof(STATIC_CALL_TRAMP(name)) *)READ_ONCE(STATIC_CALL_KEY(name).func))
#define KPATCH_IGNORE_FUNCTION(function)
#define KPATCH_IGNORE_SECTION(name)
#define KPATCH_FORCE_UNSAFE(function)
#endif
`;

const INCLUDED = /^\s*#\s*include\s+["<]kpatch-macros\.h[">]/m;

/** Adds the header to a patch that includes it and does not bring it. */
export function withKpatchMacros(changes: readonly FileChange[]): readonly FileChange[] {
  const isWanted = changes.some(({ after }) => after !== undefined && INCLUDED.test(after));
  if (!isWanted || changes.some(({ path }) => path.endsWith("/kpatch-macros.h"))) return changes;
  return [...changes, { path: KPATCH_MACROS, before: undefined, after: TEXT, numbered: TEXT }];
}
