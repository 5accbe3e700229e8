/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the module that serves Ksplice's sysfs interface and the modules of an update. They find each other by name
 * when they load, as no module is built against another.
 */
#include <linux/kobject.h>
#include <linux/module.h>

/* A module of an update: its core, which has no target, or the new or old code for one target. */
struct rebootless_ksplice_part {
	const char *kid;
	const char *target;
	bool is_new;
	struct module *module;
};

typedef int rebootless_ksplice_come(const struct rebootless_ksplice_part *part);
typedef void rebootless_ksplice_go(const struct rebootless_ksplice_part *part);

#define REBOOTLESS_KSPLICE_COME "rebootless_ksplice_part_comes"
#define REBOOTLESS_KSPLICE_GO "rebootless_ksplice_part_goes"
