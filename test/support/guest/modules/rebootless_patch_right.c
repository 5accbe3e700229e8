// SPDX-License-Identifier: GPL-2.0
/*
 * The other side of a diamond: b.one.
 */
#include "rebootless_patch.h"

REPLACE(target_b_one, "b.one: right")

static struct klp_func b_funcs[] = { FUNC(target_b_one), {} };
static struct klp_object objs[] = { { .name = "rebootless_target_b", .funcs = b_funcs }, {} };

PATCH(objs, false);
MODULE_DESCRIPTION("Diamond: right");
