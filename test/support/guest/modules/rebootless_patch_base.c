// SPDX-License-Identifier: GPL-2.0
/*
 * The foot of a diamond: a.one.
 */
#include "rebootless_patch.h"

REPLACE(target_a_one, "a.one: base")

static struct klp_func a_funcs[] = { FUNC(target_a_one), {} };
static struct klp_object objs[] = { { .name = "rebootless_target_a", .funcs = a_funcs }, {} };

PATCH(objs, false);
MODULE_DESCRIPTION("Diamond: base");
