// SPDX-License-Identifier: GPL-2.0
/*
 * A live patch written by hand. OBJECT is the name of the sample module, and MARK is what it and /proc/cmdline say.
 */
#include <linux/kobject.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/sysfs.h>

static int rebootless_cmdline_proc_show(struct seq_file *m, void *v)
{
	seq_puts(m, MARK "\n");
	return 0;
}

static ssize_t rebootless_foo_show(struct kobject *kobj, struct kobj_attribute *attribute, char *buffer)
{
	return sysfs_emit(buffer, MARK "\n");
}

static struct klp_func kernel_functions[] = {
	{ .old_name = "cmdline_proc_show", .new_func = rebootless_cmdline_proc_show },
	{}
};
static struct klp_func module_functions[] = {
	{ .old_name = "foo_show", .new_func = rebootless_foo_show },
	{}
};
static struct klp_object objects[] = {
	{ .funcs = kernel_functions },
	{ .name = OBJECT, .funcs = module_functions },
	{}
};
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init by_hand_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit by_hand_exit(void)
{
}

module_init(by_hand_init);
module_exit(by_hand_exit);
MODULE_DESCRIPTION("A live patch written by hand");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
