// SPDX-License-Identifier: GPL-2.0
/*
 * Another module to be patched: /proc/rebootless_target_b has a line from each of its functions.
 */
#include "rebootless_target.h"

LINE(target_b_one, "b.one")
LINE(target_b_two, "b.two")

static int target_b_show(struct seq_file *m, void *v)
{
	target_b_one(m);
	target_b_two(m);
	return 0;
}

TARGET("rebootless_target_b", target_b_show);
MODULE_DESCRIPTION("Something else to be patched");
