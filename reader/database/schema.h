/* SPDX-License-Identifier: MIT */
/* The tables: schema.sql, as the compiler sees it (embed.py). */
#ifndef PEEPS_READER_DATABASE_SCHEMA_H
#define PEEPS_READER_DATABASE_SCHEMA_H

#define PEEPS_DATABASE_APPLICATION 0x70656570
#define PEEPS_DATABASE_VERSION     1

extern const char peeps_schema_sql[];

#endif
