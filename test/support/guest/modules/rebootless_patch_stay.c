// SPDX-License-Identifier: GPL-2.0
/*
 * Replaces the function that can be sat in by another one that can be sat in: whoever reads stays until
 * /sys/module/rebootless_patch_stay/parameters/let_go is set.
 */
#include <linux/delay.h>

#include "rebootless_patch.h"

static bool let_go;
module_param(let_go, bool, 0644);
MODULE_PARM_DESC(let_go, "lets readers go");

static int rebootless_target_hold_show(struct seq_file *m, void *v)
{
	while (!READ_ONCE(let_go))
		msleep(50);
	seq_puts(m, "hold: patched, and held\n");
	return 0;
}

static struct klp_func funcs[] = { FUNC(target_hold_show), {} };
static struct klp_object objs[] = { { .name = "rebootless_target_hold", .funcs = funcs }, {} };

PATCH(objs, false);
MODULE_DESCRIPTION("Replaces a function that can be sat in by another");
