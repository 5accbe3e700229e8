// SPDX-License-Identifier: GPL-2.0
/*
 * One side of a diamond: a.two. It refuses to be applied where there is a file /run/rebootless_refuse.
 */
#include <linux/fs.h>

#include "rebootless_patch.h"

REPLACE(target_a_two, "a.two: left")

static int pre_patch(struct klp_object *obj)
{
	struct file *file = filp_open("/run/rebootless_refuse", O_RDONLY, 0);

	if (IS_ERR(file))
		return 0;
	filp_close(file, NULL);
	return -ECANCELED;
}

static struct klp_func a_funcs[] = { FUNC(target_a_two), {} };
static struct klp_object objs[] = {
	{ .name = "rebootless_target_a", .funcs = a_funcs, .callbacks = { .pre_patch = pre_patch } },
	{}
};

PATCH(objs, false);
MODULE_DESCRIPTION("Diamond: left");
