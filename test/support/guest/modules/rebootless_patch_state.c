// SPDX-License-Identifier: GPL-2.0
/*
 * Declares that it changed a state, which an atomic replace has to know of.
 */
#include "rebootless_patch.h"

REPLACE(target_a_one, "a.one: with state")

static struct klp_func funcs[] = { FUNC(target_a_one), {} };
static struct klp_object objs[] = { { .name = "rebootless_target_a", .funcs = funcs }, {} };
static struct klp_state states[] = { { .id = 1, .version = 1 }, {} };

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs, .states = states };

static int __init patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit patch_exit(void)
{
}

module_init(patch_init);
module_exit(patch_exit);
MODULE_DESCRIPTION("Declares a state");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
