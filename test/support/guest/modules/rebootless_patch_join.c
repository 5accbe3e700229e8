// SPDX-License-Identifier: GPL-2.0
/*
 * Where the sides of a diamond meet: a.three and b.two.
 */
#include "rebootless_patch.h"

REPLACE(target_a_three, "a.three: join")
REPLACE(target_b_two, "b.two: join")

static struct klp_func a_funcs[] = { FUNC(target_a_three), {} };
static struct klp_func b_funcs[] = { FUNC(target_b_two), {} };
static struct klp_object objs[] = {
	{ .name = "rebootless_target_a", .funcs = a_funcs },
	{ .name = "rebootless_target_b", .funcs = b_funcs },
	{}
};

PATCH(objs, false);
MODULE_DESCRIPTION("Diamond: join");
