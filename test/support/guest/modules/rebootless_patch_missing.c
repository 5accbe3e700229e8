// SPDX-License-Identifier: GPL-2.0
/*
 * Cannot be applied: no kernel has the function that it replaces.
 */
#include "rebootless_patch.h"

REPLACE(function_that_is_not_there, "never")

static struct klp_func funcs[] = { FUNC(function_that_is_not_there), {} };
static struct klp_object objs[] = { { .name = NULL, .funcs = funcs }, {} };

PATCH(objs, false);
MODULE_DESCRIPTION("Replaces a function that is not there");
