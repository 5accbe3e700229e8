// SPDX-License-Identifier: GPL-2.0
/*
 * A module to be patched: /proc/rebootless_target_a has a line from each of its functions.
 */
#include "rebootless_target.h"

LINE(target_a_one, "a.one")
LINE(target_a_two, "a.two")
LINE(target_a_three, "a.three")

static int target_a_show(struct seq_file *m, void *v)
{
	target_a_one(m);
	target_a_two(m);
	target_a_three(m);
	return 0;
}

TARGET("rebootless_target_a", target_a_show);
MODULE_DESCRIPTION("Something to be patched");
