// SPDX-License-Identifier: GPL-2.0
/*
 * A live patch for demonstrations, independent of the other one: /proc/version ends with one more word.
 *
 * The banner is kept in a constant that modules cannot name. It is read, while the original function is still in
 * place, from /proc/version itself; so it is that of the UTS namespace in which the module was loaded.
 */
#include <linux/fs.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>

static char banner[1024];

static int rebootless_version_proc_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%s rebootless\n", banner);
	return 0;
}

static struct klp_func funcs[] = {
	{ .old_name = "version_proc_show", .new_func = rebootless_version_proc_show },
	{ }
};

static struct klp_object objs[] = {
	{ .name = NULL, .funcs = funcs }, /* NULL: the kernel proper */
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };

static int read_banner(void)
{
	struct file *file = filp_open("/proc/version", O_RDONLY, 0);
	ssize_t got;

	if (IS_ERR(file))
		return PTR_ERR(file);
	got = kernel_read(file, banner, sizeof(banner) - 1, &file->f_pos);
	filp_close(file, NULL);
	if (got < 0)
		return got;
	strim(banner);
	return 0;
}

static int __init rebootless_demo_version_init(void)
{
	int error = read_banner();

	return error ? error : klp_enable_patch(&patch);
}

static void __exit rebootless_demo_version_exit(void)
{
}

module_init(rebootless_demo_version_init);
module_exit(rebootless_demo_version_exit);
MODULE_DESCRIPTION("Demonstration: /proc/version ends with one more word");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
