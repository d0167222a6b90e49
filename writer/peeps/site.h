/* SPDX-License-Identifier: MIT */
/* Where in the program something happens: one static object a call site, made known to the segment
 * once. */
#ifndef PEEPS_SITE_H
#define PEEPS_SITE_H

#include <peeps/api.h>
#include <peeps/layout.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Compilers write __FILE__ as they were called. Define PEEPS_SOURCE_ROOT to the absolute folder
 * they ran in (under meson: '-DPEEPS_SOURCE_ROOT="@0@"'.format(meson.global_build_root())), so that
 * sources are shown as absolute paths. */
#ifndef PEEPS_SOURCE_ROOT
#define PEEPS_SOURCE_ROOT ""
#endif

/* Shown as `krate` of an operation: which library or module of the program this is. */
#ifndef PEEPS_MODULE
#define PEEPS_MODULE ""
#endif

struct peeps_site {
	/* in the segment's sites; 0 = not known to it yet. Written by the library alone */
	uint64_t id;
	const char *file;
	const char *root;
	const char *function;
	const char *module;
	uint64_t line;
	uint64_t layout_hash; /* of the headers that this code was compiled with */
};

/* A statement expression: the address of this place's own static struct peeps_site. */
#define PEEPS_HERE                                                                             \
	(__extension__({                                                                       \
		static struct peeps_site peeps_here = {                                        \
			0,        __FILE__,         PEEPS_SOURCE_ROOT, __func__, PEEPS_MODULE, \
			__LINE__, PEEPS_LAYOUT_HASH                                            \
		};                                                                             \
		&peeps_here;                                                                   \
	}))

/* The site of calls through plain symbols, which do not know where they come from. */
extern PEEPS_API struct peeps_site peeps_site_unknown;

#ifdef __cplusplus
}
#endif

#endif
