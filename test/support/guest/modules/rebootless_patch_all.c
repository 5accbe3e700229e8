// SPDX-License-Identifier: GPL-2.0
/*
 * An atomic replace of the whole diamond.
 */
#include "rebootless_patch.h"

REPLACE(target_a_one, "a.one: all")
REPLACE(target_a_two, "a.two: all")
REPLACE(target_a_three, "a.three: all")
REPLACE(target_b_one, "b.one: all")
REPLACE(target_b_two, "b.two: all")

static struct klp_func a_funcs[] = { FUNC(target_a_one), FUNC(target_a_two), FUNC(target_a_three), {} };
static struct klp_func b_funcs[] = { FUNC(target_b_one), FUNC(target_b_two), {} };
static struct klp_object objs[] = {
	{ .name = "rebootless_target_a", .funcs = a_funcs },
	{ .name = "rebootless_target_b", .funcs = b_funcs },
	{}
};

PATCH(objs, true);
MODULE_DESCRIPTION("Atomic replace of a diamond");
