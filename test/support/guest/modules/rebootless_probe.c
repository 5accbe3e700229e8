// SPDX-License-Identifier: GPL-2.0
/*
 * A probe with a post handler: it holds the entry of a function, and the kernel lets no live patch have it.
 */
#include <linux/kprobes.h>
#include <linux/module.h>

static void after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = { .symbol_name = "cmdline_proc_show", .post_handler = after };

static int __init probe_init(void)
{
	return register_kprobe(&probe);
}

static void __exit probe_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(probe_init);
module_exit(probe_exit);
MODULE_DESCRIPTION("A probe with a post handler");
MODULE_LICENSE("GPL");
