// SPDX-License-Identifier: GPL-2.0
/*
 * Cannot be applied: its own callback says no.
 */
#include "rebootless_patch.h"

static int rebootless_cmdline_proc_show(struct seq_file *m, void *v)
{
	return 0;
}

static int say_no(struct klp_object *obj)
{
	return -ENODEV;
}

static struct klp_func funcs[] = { FUNC(cmdline_proc_show), {} };
static struct klp_object objs[] = { { .name = NULL, .funcs = funcs, .callbacks = { .pre_patch = say_no } }, {} };

PATCH(objs, false);
MODULE_DESCRIPTION("Refuses to be applied");
