// SPDX-License-Identifier: GPL-2.0
/*
 * A live patch for demonstrations: /proc/cmdline says that it was patched, then shows the real command line.
 *
 * The command line is kept in a variable that modules cannot name, and it never changes. So it is read, while the
 * original function is still in place, from /proc/cmdline itself.
 */
#include <linux/fs.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static char original[4096];

static int rebootless_cmdline_proc_show(struct seq_file *m, void *v)
{
	seq_puts(m, "rebootless: this function was replaced while the kernel ran\n");
	seq_puts(m, original);
	return 0;
}

static struct klp_func funcs[] = {
	{ .old_name = "cmdline_proc_show", .new_func = rebootless_cmdline_proc_show },
	{ }
};

static struct klp_object objs[] = {
	{ .name = NULL, .funcs = funcs }, /* NULL: the kernel proper */
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };

static int read_original(void)
{
	struct file *file = filp_open("/proc/cmdline", O_RDONLY, 0);
	ssize_t got;

	if (IS_ERR(file))
		return PTR_ERR(file);
	got = kernel_read(file, original, sizeof(original) - 1, &file->f_pos);
	filp_close(file, NULL);
	return got < 0 ? got : 0;
}

static int __init rebootless_demo_cmdline_init(void)
{
	int error = read_original();

	return error ? error : klp_enable_patch(&patch);
}

static void __exit rebootless_demo_cmdline_exit(void)
{
}

module_init(rebootless_demo_cmdline_init);
module_exit(rebootless_demo_cmdline_exit);
MODULE_DESCRIPTION("Demonstration: /proc/cmdline says that it was patched");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
