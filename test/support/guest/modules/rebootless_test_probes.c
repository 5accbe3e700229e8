// SPDX-License-Identifier: GPL-2.0
/*
 * Kprobes of every sort, for tests of run-pre matching: at the entry of a traceable function (by way of ftrace), at the
 * entry of one that ftrace does not know (an int3), and within functions: with a post handler, which keeps it an int3,
 * and without, which the kernel makes a jump of some time later. The functions are seldom called.
 */
#include <linux/kprobes.h>
#include <linux/module.h>

static int before(struct kprobe *p, struct pt_regs *regs)
{
	return 0;
}

static void after(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probes[] = {
	{ .symbol_name = "vfs_statfs", .pre_handler = before },
	{ .symbol_name = "rdmsr_safe_regs", .pre_handler = before },
	{ .symbol_name = "vfs_mkdir", .pre_handler = before, .offset = 8 },
	{ .symbol_name = "vfs_rmdir", .pre_handler = before, .offset = 8 },
	{ .symbol_name = "vfs_unlink", .pre_handler = before, .offset = 8 },
	{ .symbol_name = "vfs_symlink", .pre_handler = before, .post_handler = after, .offset = 8 },
	{ .symbol_name = "vfs_link", .pre_handler = before, .post_handler = after, .offset = 8 },
};

/* The first place from the wanted one on where an instruction starts. */
static int place(struct kprobe *probe)
{
	unsigned int last = probe->offset ? probe->offset + 15 : 0;
	int error;

	for (;;) {
		error = register_kprobe(probe);
		if (!error || probe->offset >= last)
			return error;
		probe->offset++;
		probe->addr = NULL;
		probe->flags = 0;
	}
}

static int __init rebootless_test_probes_init(void)
{
	int i, error;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		error = place(&probes[i]);
		if (!error)
			continue;
		pr_err("%s: %d\n", probes[i].symbol_name, error);
		while (i--)
			unregister_kprobe(&probes[i]);
		return error;
	}
	return 0;
}

static void __exit rebootless_test_probes_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		unregister_kprobe(&probes[i]);
}

module_init(rebootless_test_probes_init);
module_exit(rebootless_test_probes_exit);
MODULE_DESCRIPTION("Kprobes of every sort, for tests");
MODULE_LICENSE("GPL");
