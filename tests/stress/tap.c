/* SPDX-License-Identifier: MIT */
#include "tests/stress/tap.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned int count, failed;

void tap_diag(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)printf("# ");
	(void)vprintf(format, arguments);
	(void)printf("\n");
	(void)fflush(stdout);
	va_end(arguments);
}

bool tap_ok(bool holds, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	count++;
	failed += !holds;
	(void)printf("%s %u - ", holds ? "ok" : "not ok", count);
	(void)vprintf(format, arguments);
	(void)printf("\n");
	(void)fflush(stdout);
	va_end(arguments);
	return holds;
}

int tap_done(void)
{
	(void)printf("1..%u\n", count);
	return failed != 0;
}
