/* SPDX-License-Identifier: MIT */
/* Series files, in the working folder. */
#ifndef PEEPS_TESTS_SERIES_FILE_H
#define PEEPS_TESTS_SERIES_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "reader/recording/series_writer.h"

struct series_form {
	const char *path;
	enum peeps_format format;
	bool compressed;
};

#define SERIES_FORMS 4
extern const struct series_form
	series_forms[SERIES_FORMS]; /* those that are built in: series_form_is_there() */
bool series_form_is_there(const struct series_form *form);

/* Each of these fails the test if it cannot. */
struct peeps_series_writer series_open(const struct series_form *form,
				       struct peeps_series_bounds bounds);
void series_add(struct peeps_series_writer *writer, uint64_t count);
void series_close(struct peeps_series_writer *writer);

/* A new file with so many snapshots, each with its number as one of its texts. */
void series_make(const struct series_form *form, uint64_t count);

char *file_read(const char *path, size_t *length); /* for the caller to free */
void file_write(const char *path, const void *bytes, size_t length);

#endif
