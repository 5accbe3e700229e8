/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For modules that are there to be patched: a file in /proc that has a line from each of their functions.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

/* Another build of the same source, as a vendor's update of the module would be. */
#ifdef REBOOTLESS_OTHER_BUILD
#define BUILD "original, another build"
#else
#define BUILD "original"
#endif

/* Whole functions of their own, whatever the compiler would make of them. */
#define LINE(function, name)                                                                                 \
	static noinline __noclone void function(struct seq_file *m)                                          \
	{                                                                                                    \
		seq_puts(m, name ": " BUILD "\n");                                                           \
	}

#define TARGET(file, show)                                                                                   \
	static int __init target_init(void)                                                                  \
	{                                                                                                    \
		return proc_create_single(file, 0444, NULL, show) ? 0 : -ENOMEM;                             \
	}                                                                                                    \
	static void __exit target_exit(void)                                                                 \
	{                                                                                                    \
		remove_proc_entry(file, NULL);                                                               \
	}                                                                                                    \
	module_init(target_init);                                                                            \
	module_exit(target_exit);                                                                            \
	MODULE_LICENSE("GPL")
