// SPDX-License-Identifier: GPL-2.0
/*
 * One module of an update in Ksplice's format, without code to replace anything: it comes and goes, and whoever serves
 * the interface is told. KID, TARGET (none for a core) and NEW or OLD are given by the build.
 */
#include <linux/stringify.h>

#include "rebootless_ksplice.h"

static const struct rebootless_ksplice_part part = {
	.kid = __stringify(KID),
#ifdef TARGET
	.target = __stringify(TARGET),
#endif
#ifdef NEW
	.is_new = true,
#endif
	.module = THIS_MODULE,
};

static int __init part_init(void)
{
	rebootless_ksplice_come *come = __symbol_get(REBOOTLESS_KSPLICE_COME);
	int error;

	if (!come)
		return -ENODEV;
	error = come(&part);
	if (error)
		__symbol_put(REBOOTLESS_KSPLICE_COME);
	return error;
}

static void __exit part_exit(void)
{
	rebootless_ksplice_go *go = __symbol_get(REBOOTLESS_KSPLICE_GO);

	if (go) {
		go(&part);
		__symbol_put(REBOOTLESS_KSPLICE_GO);
	}
	__symbol_put(REBOOTLESS_KSPLICE_COME);
}

module_init(part_init);
module_exit(part_exit);
MODULE_DESCRIPTION("A module of an update in Ksplice's format that replaces nothing");
MODULE_LICENSE("GPL");
