// SPDX-License-Identifier: GPL-2.0
/*
 * Replaces the function that can be sat in.
 */
#include "rebootless_patch.h"

static int rebootless_target_hold_show(struct seq_file *m, void *v)
{
	seq_puts(m, "hold: patched\n");
	return 0;
}

static struct klp_func hold_funcs[] = { FUNC(target_hold_show), {} };
static struct klp_object objs[] = { { .name = "rebootless_target_hold", .funcs = hold_funcs }, {} };

PATCH(objs, false);
MODULE_DESCRIPTION("Replaces a function that can be sat in");
