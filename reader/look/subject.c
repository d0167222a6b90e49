/* SPDX-License-Identifier: MIT */
#include "reader/look/subject.h"

#include <errno.h>
#include <string.h>

#include "reader/problem.h"

#define LISTED_MAX 10 /* that could be meant */

static size_t subject_count(const struct peeps_graph *graph)
{
	return graph->node_count + graph->scope_count;
}

/* Nodes, then scopes. */
static struct peeps_subject subject_at(const struct peeps_graph *graph, size_t i)
{
	return i < graph->node_count
		       ? (struct peeps_subject){ .number = (uint32_t)i }
		       : (struct peeps_subject){ .is_scope = true,
						 .number = (uint32_t)(i - graph->node_count) };
}

static const char *id_of(const struct peeps_graph *graph, size_t i)
{
	const struct peeps_subject subject = subject_at(graph, i);

	return subject.is_scope ? graph->scopes[subject.number].id
				: graph->nodes[subject.number].id;
}

static const char *name_of(const struct peeps_graph *graph, size_t i)
{
	const struct peeps_subject subject = subject_at(graph, i);

	return subject.is_scope ? graph->scopes[subject.number].name
				: graph->nodes[subject.number].name;
}

/* Those that could be meant: all are counted, the first are kept. */
struct candidates {
	const struct peeps_graph *graph;
	size_t listed[LISTED_MAX];
	size_t count;
};

static void add(struct candidates *candidates, size_t i)
{
	if (candidates->count < LISTED_MAX)
		candidates->listed[candidates->count] = i;
	candidates->count++;
}

/* A thread's id does not say what it is called. */
static void list_one(char *out, size_t size, const struct candidates *candidates, size_t i,
		     const char *word)
{
	const char *id = id_of(candidates->graph, i), *name = name_of(candidates->graph, i);

	if (strstr(id, name) || strcmp(name, word) == 0)
		(void)snprintf(out, size, "%s", id);
	else
		(void)snprintf(out, size, "%s (%s)", id, name);
}

static void list_in(char *out, size_t size, const struct candidates *candidates, const char *word)
{
	const size_t listed = candidates->count < LISTED_MAX ? candidates->count : LISTED_MAX;
	size_t length = 0, shown = 0;

	*out = '\0';
	for (; shown < listed; shown++) {
		char one[1024];

		list_one(one, sizeof(one), candidates, candidates->listed[shown], word);
		if (length + strlen(one) + sizeof(", and 4294967295 more") > size)
			break;
		length += (size_t)snprintf(out + length, size - length, "%s%s", shown ? ", " : "",
					   one);
	}
	if (shown < candidates->count)
		(void)snprintf(out + length, size - length, "%s%zu more", shown ? " and " : "",
			       candidates->count - shown);
}

/* --- by id, by the end of one, by name -------------------------------------------------------------------------- */

typedef bool matches(const struct peeps_graph *graph, size_t i, const char *word);

static bool is_id(const struct peeps_graph *graph, size_t i, const char *word)
{
	return strcmp(id_of(graph, i), word) == 0;
}

static bool is_end_of_id(const struct peeps_graph *graph, size_t i, const char *word)
{
	const char *id = id_of(graph, i);
	const size_t length = strlen(id), end = strlen(word);

	return end > 0 && length > end && id[length - end - 1] == ':' &&
	       strcmp(id + length - end, word) == 0;
}

/* "mutex:accounts": the id without the process. */
static bool is_id_at_home(const struct peeps_graph *graph, size_t i, const char *word)
{
	const char *id = id_of(graph, i);
	const char *process = strchr(id, ':');
	const char *rest = process ? strchr(process + 1, ':') : NULL;
	const size_t prefix = strcspn(word, ":");

	return rest && word[prefix] && prefix == (size_t)(process - id) &&
	       strncmp(id, word, prefix) == 0 && strcmp(rest, word + prefix) == 0;
}

static bool is_name(const struct peeps_graph *graph, size_t i, const char *word)
{
	return strcmp(name_of(graph, i), word) == 0;
}

static bool is_part_or_name(const struct peeps_graph *graph, size_t i, const char *word)
{
	return is_end_of_id(graph, i, word) || is_id_at_home(graph, i, word) ||
	       is_name(graph, i, word);
}

static void look_for(struct candidates *candidates, matches *wanted, const char *word)
{
	candidates->count = 0;
	for (size_t i = 0; i < subject_count(candidates->graph); i++) {
		if (wanted(candidates->graph, i, word))
			add(candidates, i);
	}
}

/* Two ends of one channel: the sending one, which shows both. */
static bool is_one_channel(const struct candidates *candidates, size_t *tx)
{
	const struct peeps_graph *graph = candidates->graph;

	if (candidates->count != 2)
		return false;
	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (edge->kind != PEEPS_EDGE_CHANNEL_LINK)
			continue;
		if ((edge->src == candidates->listed[0] && edge->dst == candidates->listed[1]) ||
		    (edge->src == candidates->listed[1] && edge->dst == candidates->listed[0])) {
			*tx = edge->src;
			return true;
		}
	}
	return false;
}

/* --- what comes nearest ----------------------------------------------------------------------------------------- */

#define COMPARED_MAX 32     /* characters of a name: beyond, names are alike or not already */
#define LOOKED_AT    100000 /* names: whoever has more has to know better */
#define NEAREST_MAX  3

static size_t smallest(size_t a, size_t b, size_t c)
{
	const size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* How many characters have to be changed, left out or put in (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
	const size_t a_length = strnlen(a, COMPARED_MAX), b_length = strnlen(b, COMPARED_MAX);
	size_t row[COMPARED_MAX + 1];

	for (size_t j = 0; j <= b_length; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			const size_t above = row[j];

			row[j] = smallest(above + 1, row[j - 1] + 1,
					  diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_length];
}

/* How far a word is from what it may stand for; a part of id or name is nearer than any slip. */
static size_t distance_to(const struct peeps_graph *graph, size_t i, const char *word)
{
	size_t by_name, by_id;

	if (strcasestr(id_of(graph, i), word) || strcasestr(name_of(graph, i), word))
		return 0;
	by_name = distance(name_of(graph, i), word);
	by_id = strchr(word, ':') ? distance(id_of(graph, i), word) : by_name;
	return by_id < by_name ? by_id : by_name;
}

static void find_nearest(struct candidates *candidates, const char *word)
{
	const size_t count = subject_count(candidates->graph);
	size_t distances[NEAREST_MAX] = { 0 };

	candidates->count = 0;
	for (size_t i = 0; i < count && i < LOOKED_AT; i++) {
		const size_t far = distance_to(candidates->graph, i, word);
		size_t place = candidates->count;

		if (2 * far > strlen(word))
			continue; /* nothing like it */
		if (candidates->count < NEAREST_MAX)
			candidates->count++;
		for (; place > 0 && distances[place - 1] > far; place--) {
			if (place < NEAREST_MAX) {
				distances[place] = distances[place - 1];
				candidates->listed[place] = candidates->listed[place - 1];
			}
		}
		if (place < NEAREST_MAX) {
			distances[place] = far;
			candidates->listed[place] = i;
		}
	}
}

/* --- the answer ------------------------------------------------------------------------------------------------- */

static int ambiguous(const struct candidates *candidates, const char *word,
		     struct peeps_problem *problem)
{
	char list[sizeof(problem->why)];

	(void)snprintf(problem->what, sizeof(problem->what), "'%s' could be any of %zu", word,
		       candidates->count);
	list_in(list, sizeof(list), candidates, word);
	return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL,
				 "give more of the id, or its kind and name: mutex:accounts", "%s",
				 list);
}

static int unknown(struct candidates *candidates, const char *word, struct peeps_problem *problem)
{
	char list[sizeof(problem->why) - sizeof("the nearest: ")];

	(void)snprintf(problem->what, sizeof(problem->what), "there is no '%s'", word);
	find_nearest(candidates, word);
	if (candidates->count == 0)
		return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ENOENT,
					 "peeps-read dump lists all there is",
					 "nothing is called like that");
	list_in(list, sizeof(list), candidates, word);
	return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ENOENT,
				 "peeps-read dump lists all there is", "the nearest: %s", list);
}

int peeps_subject_find(struct peeps_subject *subject, const struct peeps_graph *graph,
		       const char *word, struct peeps_problem *problem)
{
	struct candidates candidates = { .graph = graph };

	look_for(&candidates, is_id, word);
	if (candidates.count == 0)
		look_for(&candidates, is_part_or_name, word);
	if (candidates.count == 0)
		return unknown(&candidates, word, problem);
	if (candidates.count > 1 && !is_one_channel(&candidates, &candidates.listed[0]))
		return ambiguous(&candidates, word, problem);
	*subject = subject_at(graph, candidates.listed[0]);
	return 0;
}
