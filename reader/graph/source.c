/* SPDX-License-Identifier: MIT */
#include "reader/graph/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/graph/arena.h"
#include "reader/graph/text.h"

int peeps_sources_init(struct peeps_sources *sources, struct peeps_arena *arena,
		       struct peeps_texts *texts, const struct peeps_site_row *sites,
		       size_t site_count)
{
	*sources = (struct peeps_sources){
		.arena = arena, .texts = texts, .sites = sites, .site_count = site_count
	};
	sources->made =
		calloc(site_count + 1,
		       sizeof(sources->made[0])); // NOLINT(bugprone-sizeof-expression): pointers
	return sources->made ? 0 : -ENOMEM;
}

void peeps_sources_deinit(struct peeps_sources *sources)
{
	free(sources->made);
	sources->made = NULL;
}

/* Append the components of path to what is at `at`, each with a slash before it. Returns the new end. */
static char *append(char *begin, char *at, const char *path)
{
	while (*path) {
		const size_t length = strcspn(path, "/");

		if (length == 2 && memcmp(path, "..", 2) == 0) {
			while (at > begin && *--at != '/')
				;
		} else if (length > 0 && !(length == 1 && *path == '.')) {
			*at++ = '/';
			memcpy(at, path, length);
			at += length;
		}
		path += length;
		path += strspn(path, "/");
	}
	return at;
}

char *peeps_path_join(struct peeps_arena *arena, const char *root, const char *file)
{
	const size_t root_length = *file == '/' ? 0 : strlen(root);
	char *const joined = peeps_arena_take(arena, root_length + strlen(file) + 3, 1);
	char *end = joined;

	if (!joined)
		return NULL;
	if (*file != '/')
		end = append(joined, end, root);
	end = append(joined, end, file);
	if (end == joined)
		*end++ = '/';
	*end = '\0';
	return joined;
}

static struct peeps_source *make(struct peeps_sources *sources, const struct peeps_site_row *site)
{
	struct peeps_source *source = peeps_arena_take(sources->arena, 1, sizeof(*source));
	const char *root;

	if (!source)
		return NULL;
	source->file = peeps_texts_at(sources->texts, site->file);
	source->function = peeps_texts_at(sources->texts, site->function);
	source->module = peeps_texts_at(sources->texts, site->module);
	source->line = site->line;
	if (!source->file)
		return source;
	root = peeps_texts_at(sources->texts, site->root);
	if (*source->file == '/' || (root && *root == '/'))
		source->file = peeps_path_join(sources->arena, root, source->file);
	else
		source->as_compiled = true;
	return source;
}

struct peeps_source peeps_sources_at(struct peeps_sources *sources, uint64_t site)
{
	static const struct peeps_source none;

	if (site == 0)
		return none;
	if (site >= sources->site_count) {
		sources->damaged++;
		return none;
	}
	if (!sources->made[site])
		sources->made[site] = make(sources, &sources->sites[site]);
	return sources->made[site] ? *sources->made[site] : none;
}
