// SPDX-License-Identifier: GPL-2.0
/*
 * Serves the sysfs interface of Ksplice on a kernel that has none: folders of updates, their stages, abort causes and
 * conflicts. It replaces no code. What a request comes to is said in its parameters.
 *
 * Updates without a core get a folder below /sys/kernel/ksplice, which is there with the parameter `integrated`; an
 * update with a core gets the folder `ksplice` of that module.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include "rebootless_ksplice.h"

#define KID_LENGTH 8
#define MAX_PARTS 16
#define CAUSE_LENGTH 32

static bool integrated;
module_param(integrated, bool, 0444);
MODULE_PARM_DESC(integrated, "as on a kernel that Ksplice is built into");

static char *abort_with = "";
module_param(abort_with, charp, 0600);
MODULE_PARM_DESC(abort_with, "what requests for a stage abort with; empty: they do not");

static uint aborts;
module_param(aborts, uint, 0600);
MODULE_PARM_DESC(aborts, "how many requests abort");

static char *conflicting = "";
module_param(conflicting, charp, 0600);
MODULE_PARM_DESC(conflicting, "the lines of conflicts after code_busy");

static uint try_ms;
module_param(try_ms, uint, 0600);
MODULE_PARM_DESC(try_ms, "how long a request is tried");

static uint cleanup_ms = 150;
module_param(cleanup_ms, uint, 0600);
MODULE_PARM_DESC(cleanup_ms, "how long an update takes to go");

enum stage { PREPARING, APPLIED, REVERSED };
static const char *const stage_names[] = { "preparing", "applied", "reversed" };

struct update {
	struct kobject kobj;
	struct list_head list;
	struct delayed_work cleanup;
	char kid[KID_LENGTH + 1];
	char cause[CAUSE_LENGTH];
	enum stage stage;
	int partial;
	int debug;
	bool listed;
	/* Standalone: the module whose folder it is in. */
	struct module *core;
	struct rebootless_ksplice_part parts[MAX_PARTS];
	int nr_parts;
	struct dentry *debug_file;
	struct debugfs_blob_wrapper said;
	char said_text[128];
};

static LIST_HEAD(updates);
static DEFINE_MUTEX(lock);
static struct kobject *root;

static struct update *find_update(const char *kid)
{
	struct update *update;

	list_for_each_entry(update, &updates, list)
		if (!strcmp(update->kid, kid))
			return update;
	return NULL;
}

/* A parameter's text, without the newline that a shell writes. */
static void read_param(char *into, size_t size, char **param)
{
	kernel_param_lock(THIS_MODULE);
	strscpy(into, *param, size);
	kernel_param_unlock(THIS_MODULE);
	strim(into);
}

static bool is_module_loaded(const char *name)
{
	char path[128];
	struct file *file;

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	file = filp_open(path, O_RDONLY, 0);
	if (IS_ERR(file))
		return false;
	filp_close(file, NULL);
	return true;
}

static bool has_all_targets(const struct update *update)
{
	int i;

	for (i = 0; i < update->nr_parts; i++)
		if (strcmp(update->parts[i].target, "vmlinux") && !is_module_loaded(update->parts[i].target))
			return false;
	return true;
}

/* Code in force must stay where it is. */
static void pin_new_code(struct update *update, bool pin)
{
	int i;

	for (i = 0; i < update->nr_parts; i++) {
		if (!update->parts[i].is_new)
			continue;
		if (pin)
			__module_get(update->parts[i].module);
		else
			module_put(update->parts[i].module);
	}
}

/* What stands in the way of a request, or "ok". */
static void try_request(struct update *update, enum stage stage)
{
	char wanted[CAUSE_LENGTH];

	read_param(wanted, sizeof(wanted), &abort_with);
	strscpy(update->cause, "ok", sizeof(update->cause));
	if (stage == APPLIED && !update->partial && !has_all_targets(update)) {
		strscpy(update->cause, "target_not_loaded", sizeof(update->cause));
	} else if (aborts > 0 && wanted[0]) {
		aborts--;
		strscpy(update->cause, wanted, sizeof(update->cause));
	}
	msleep(try_ms);
	if (strcmp(update->cause, "ok") && update->debug > 0) {
		update->said.size = scnprintf(update->said_text, sizeof(update->said_text),
					      "trying %s\nstopped by %s\n", stage_names[stage], update->cause);
	}
}

static void request(struct update *update, enum stage stage)
{
	try_request(update, stage);
	if (strcmp(update->cause, "ok")) {
		pr_info("ksplice: %s stays %s: %s\n", update->kid, stage_names[update->stage], update->cause);
		return;
	}
	update->stage = stage;
	pin_new_code(update, stage == APPLIED);
}

#define update_of(kobject) container_of(kobject, struct update, kobj)

static ssize_t stage_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", stage_names[update_of(kobj)->stage]);
}

static ssize_t stage_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	struct update *update = update_of(kobj);

	mutex_lock(&lock);
	if (sysfs_streq(buf, "applied") && update->stage == PREPARING)
		request(update, APPLIED);
	else if (sysfs_streq(buf, "reversed") && update->stage == APPLIED)
		request(update, REVERSED);
	else if (sysfs_streq(buf, "cleanup") && update->stage == REVERSED)
		schedule_delayed_work(&update->cleanup, msecs_to_jiffies(cleanup_ms));
	mutex_unlock(&lock);
	return count;
}

static ssize_t abort_cause_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", update_of(kobj)->cause);
}

static ssize_t conflicts_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	ssize_t size;

	if (strcmp(update_of(kobj)->cause, "code_busy"))
		return 0;
	kernel_param_lock(THIS_MODULE);
	size = sysfs_emit(buf, "%s", conflicting);
	kernel_param_unlock(THIS_MODULE);
	return size;
}

static ssize_t partial_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", update_of(kobj)->partial);
}

static ssize_t partial_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	int error = kstrtoint(buf, 10, &update_of(kobj)->partial);

	return error ? error : count;
}

static ssize_t debug_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", update_of(kobj)->debug);
}

static ssize_t debug_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	int error = kstrtoint(buf, 10, &update_of(kobj)->debug);

	return error ? error : count;
}

static struct kobj_attribute stage_file = __ATTR(stage, 0600, stage_show, stage_store);
static struct kobj_attribute abort_cause_file = __ATTR(abort_cause, 0400, abort_cause_show, NULL);
static struct kobj_attribute conflicts_file = __ATTR(conflicts, 0400, conflicts_show, NULL);
static struct kobj_attribute partial_file = __ATTR(partial, 0600, partial_show, partial_store);
static struct kobj_attribute debug_file = __ATTR(debug, 0600, debug_show, debug_store);

static struct attribute *update_attrs[] = {
	&stage_file.attr, &abort_cause_file.attr, &conflicts_file.attr, &partial_file.attr, &debug_file.attr, NULL,
};
ATTRIBUTE_GROUPS(update);

static void release_update(struct kobject *kobj)
{
	kfree(update_of(kobj));
}

static const struct kobj_type update_type = {
	.sysfs_ops = &kobj_sysfs_ops,
	.release = release_update,
	.default_groups = update_groups,
};

/* Takes an update's folder away, and with the last reference the update. */
static void remove_update(struct update *update)
{
	struct module *core = update->core;

	list_del(&update->list);
	debugfs_remove(update->debug_file);
	kobject_del(&update->kobj);
	kobject_put(&update->kobj);
	if (core)
		module_put(core);
}

static void cleanup_work(struct work_struct *work)
{
	struct update *update = container_of(to_delayed_work(work), struct update, cleanup);

	mutex_lock(&lock);
	remove_update(update);
	mutex_unlock(&lock);
}

static int add_update(const char *kid, struct module *core, struct update **added)
{
	struct update *update = kzalloc(sizeof(*update), GFP_KERNEL);
	char name[32];
	int error;

	if (!update)
		return -ENOMEM;
	strscpy(update->kid, kid, sizeof(update->kid));
	strscpy(update->cause, "ok", sizeof(update->cause));
	INIT_DELAYED_WORK(&update->cleanup, cleanup_work);
	if (core)
		error = kobject_init_and_add(&update->kobj, &update_type, &core->mkobj.kobj, "ksplice");
	else
		error = kobject_init_and_add(&update->kobj, &update_type, root, "%s", kid);
	if (error) {
		kobject_put(&update->kobj);
		return error;
	}
	snprintf(name, sizeof(name), "ksplice_%s", kid);
	update->said.data = update->said_text;
	update->debug_file = debugfs_create_blob(name, 0400, NULL, &update->said);
	update->core = core;
	list_add_tail(&update->list, &updates);
	*added = update;
	return 0;
}

/* A core makes a folder of its own; else the first module of an update does. */
static int come(const struct rebootless_ksplice_part *part)
{
	struct update *update = find_update(part->kid);
	int error;

	if (!part->target)
		return update ? -EEXIST : add_update(part->kid, part->module, &update);
	if (!update) {
		if (!root)
			return -ENODEV;
		error = add_update(part->kid, NULL, &update);
		if (error)
			return error;
	}
	if (update->stage != PREPARING || update->nr_parts == MAX_PARTS)
		return -EBUSY;
	/* The core serves the update: it stays as long as there is one. */
	if (update->core && update->nr_parts == 0)
		__module_get(update->core);
	update->parts[update->nr_parts++] = *part;
	return 0;
}

int rebootless_ksplice_part_comes(const struct rebootless_ksplice_part *part)
{
	int error;

	mutex_lock(&lock);
	error = come(part);
	mutex_unlock(&lock);
	return error;
}
EXPORT_SYMBOL_GPL(rebootless_ksplice_part_comes);

static void forget_part(struct update *update, const struct module *module)
{
	int i;

	for (i = 0; i < update->nr_parts; i++) {
		if (update->parts[i].module != module)
			continue;
		update->parts[i] = update->parts[--update->nr_parts];
		return;
	}
}

static void go(const struct rebootless_ksplice_part *part)
{
	struct update *update = find_update(part->kid);

	if (!update)
		return;
	if (!part->target) {
		update->core = NULL;
		remove_update(update);
		return;
	}
	forget_part(update, part->module);
	if (update->stage != PREPARING || update->nr_parts > 0)
		return;
	if (update->core)
		module_put(update->core);
	else
		remove_update(update);
}

void rebootless_ksplice_part_goes(const struct rebootless_ksplice_part *part)
{
	mutex_lock(&lock);
	go(part);
	mutex_unlock(&lock);
}
EXPORT_SYMBOL_GPL(rebootless_ksplice_part_goes);

static int __init ksplice_init(void)
{
	if (!integrated)
		return 0;
	root = kobject_create_and_add("ksplice", kernel_kobj);
	return root ? 0 : -ENOMEM;
}

static void __exit ksplice_exit(void)
{
	struct update *update, *next;

	mutex_lock(&lock);
	list_for_each_entry_safe(update, next, &updates, list)
		remove_update(update);
	mutex_unlock(&lock);
	kobject_put(root);
}

module_init(ksplice_init);
module_exit(ksplice_exit);
MODULE_DESCRIPTION("Serves the sysfs interface of Ksplice, without replacing anything");
MODULE_LICENSE("GPL");
