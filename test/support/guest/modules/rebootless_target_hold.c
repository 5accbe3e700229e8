// SPDX-License-Identifier: GPL-2.0
/*
 * A module to be patched whose function can be sat in: who reads /proc/rebootless_target_hold stays in it, and no
 * signal helps, until /sys/module/rebootless_target_hold/parameters/released is set.
 */
#include <linux/delay.h>

#include "rebootless_target.h"

static bool released;
module_param(released, bool, 0644);
MODULE_PARM_DESC(released, "lets readers go");

static int target_hold_show(struct seq_file *m, void *v)
{
	while (!READ_ONCE(released))
		msleep(50);
	seq_puts(m, "hold: " BUILD "\n");
	return 0;
}

TARGET("rebootless_target_hold", target_hold_show);
MODULE_DESCRIPTION("Something to be patched that can be sat in");
