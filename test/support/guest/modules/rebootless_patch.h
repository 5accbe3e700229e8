/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For live patches of the rebootless_target modules.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

/* The function of a target is replaced by one that prints another line. */
#define REPLACE(function, line)                                                                              \
	static void rebootless_##function(struct seq_file *m)                                                \
	{                                                                                                    \
		seq_puts(m, line "\n");                                                                      \
	}

#define FUNC(function) { .old_name = #function, .new_func = rebootless_##function }

#define PATCH(objects, is_replace)                                                                           \
	static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects, .replace = is_replace };      \
	static int __init patch_init(void)                                                                   \
	{                                                                                                    \
		return klp_enable_patch(&patch);                                                             \
	}                                                                                                    \
	static void __exit patch_exit(void)                                                                  \
	{                                                                                                    \
	}                                                                                                    \
	module_init(patch_init);                                                                             \
	module_exit(patch_exit);                                                                             \
	MODULE_LICENSE("GPL");                                                                               \
	MODULE_INFO(livepatch, "Y")
