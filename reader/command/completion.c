/* SPDX-License-Identifier: MIT */
#include "reader/command/completion.h"

#include <stdbool.h>
#include <string.h>

#include "reader/query/questions.h"

/* How each shell is told that an argument is a file: by what the table calls it. */
static bool is_file(const struct peeps_option_entry *option)
{
	return option->argument && strcmp(option->argument, "FILE") == 0;
}

static bool takes_targets(const struct peeps_verb_entry *verb)
{
	return verb->takes == PEEPS_TAKES_TARGETS || verb->takes == PEEPS_TAKES_ID_AND_TARGETS ||
	       verb->takes == PEEPS_TAKES_PERHAPS_TARGETS ||
	       verb->takes == PEEPS_TAKES_DATABASE_AND_TARGETS ||
	       verb->takes == PEEPS_TAKES_QUESTION_AND_TARGETS;
}

/* Such as a verb's summary, between single quotes of a shell: no text of ours has one, and this would be seen. */
static void print_quoted(const char *text, FILE *out)
{
	(void)fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			(void)fputs("'\\''", out);
		else
			(void)fputc(*text, out);
	}
	(void)fputc('\'', out);
}

static void print_verbs(const char *separator, FILE *out)
{
	for (unsigned int i = PEEPS_VERB_PS; i < PEEPS_VERB_COUNT; i++)
		(void)fprintf(out, "%s%s", i > PEEPS_VERB_PS ? separator : "", peeps_verbs[i].name);
}

static void print_words(const char *const *words, const char *separator, FILE *out)
{
	for (size_t i = 0; words[i]; i++)
		(void)fprintf(out, "%s%s", i ? separator : "", words[i]);
}

/* "-o", "--output": both spellings, or the one that there is. */
static void print_spellings(const struct peeps_option_entry *option, const char *separator,
			    FILE *out)
{
	if (option->letter)
		(void)fprintf(out, "-%c%s", option->letter, separator);
	(void)fprintf(out, "--%s", option->name);
}

static void print_questions(const char *separator, FILE *out)
{
	for (size_t i = 0; i < peeps_question_count; i++)
		(void)fprintf(out, "%s%s", i ? separator : "", peeps_questions[i].name);
}

/* bash */

/* Where verbs know different words, those of this one; of none yet, all. */
static void print_bash_words_of(const struct peeps_option_entry *option, FILE *out)
{
	char words[PEEPS_WORD_LIST_BYTES];

	if (option->word_verbs)
		(void)fputs("\t\tcase $verb in\n", out);
	for (unsigned int i = PEEPS_VERB_PS; option->word_verbs && i < PEEPS_VERB_COUNT; i++) {
		if (peeps_verb_takes((enum peeps_verb)i, option))
			(void)fprintf(out, "\t\t%s) words='%s' ;;\n", peeps_verbs[i].name,
				      peeps_option_words(option, (enum peeps_verb)i, " ", words));
	}
	(void)fprintf(out,
		      option->word_verbs ? "\t\t*) words='%s' ;;\n\t\tesac\n" : "\t\twords='%s'\n",
		      peeps_option_words(option, PEEPS_VERB_LOOK, " ", words));
	(void)fputs("\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n", out);
}

/* An option whose argument may be left out is not waited for. */
static void print_bash_arguments(FILE *out)
{
	(void)fputs("\tcase $before in\n", out);
	for (size_t i = 0; i < peeps_option_count; i++) {
		const struct peeps_option_entry *option = &peeps_option_entries[i];

		if (!option->argument || option->argument_is_optional)
			continue;
		(void)fputs("\t", out);
		print_spellings(option, "|", out);
		(void)fputs(")\n", out);
		if (option->words) {
			print_bash_words_of(option, out);
		} else if (is_file(option)) {
			(void)fputs("\t\tcompopt -o filenames 2>/dev/null\n"
				    "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n",
				    out);
		}
		(void)fputs("\t\treturn ;;\n", out);
	}
	(void)fputs("\tesac\n", out);
}

static void print_bash_options(FILE *out)
{
	(void)fputs("\tif [[ $word == -?* ]]; then\n\t\tcase $verb in\n", out);
	for (unsigned int i = 0; i < PEEPS_VERB_COUNT; i++) {
		(void)fprintf(out, "\t\t%s) words='", i ? peeps_verbs[i].name : "''");
		for (size_t j = 0; j < peeps_option_count; j++) {
			/* Before a verb is there, all of them. */
			if (i && !peeps_verb_takes((enum peeps_verb)i, &peeps_option_entries[j]))
				continue;
			print_spellings(&peeps_option_entries[j], " ", out);
			(void)fputs(j + 1 < peeps_option_count ? " " : "", out);
		}
		(void)fputs("' ;;\n", out);
	}
	(void)fputs("\t\tesac\n"
		    "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
		    "\t\treturn\n"
		    "\tfi\n",
		    out);
}

static void print_bash_words(FILE *out)
{
	(void)fputs("\tcase $verb in\n\tcompletion) words='", out);
	print_words(peeps_shell_names, " ", out);
	(void)fputs("' ;;\n\thelp) words='", out);
	print_verbs(" ", out);
	(void)fputs("' ;;\n", out);
	for (unsigned int i = PEEPS_VERB_PS; i < PEEPS_VERB_COUNT; i++) {
		if (takes_targets(&peeps_verbs[i]) && i != PEEPS_VERB_QUERY)
			(void)fprintf(out, "%s%s", i == PEEPS_VERB_BLOCKED ? "\t" : "|",
				      peeps_verbs[i].name);
	}
	(void)fputs(
		") targets=yes ;;\n\tquery) targets=yes\n\t\tif [[ ! $question ]]; then first=yes words='",
		out);
	print_questions(" ", out);
	(void)fputs("'; fi ;;\n\t'') targets=yes first=yes words='", out);
	print_verbs(" ", out);
	(void)fputs(
		"' ;;\n"
		"\tesac\n"
		"\tif [[ $targets ]]; then\n"
		"\t\twords+=\" $(_peeps_read_pids)\"\n"
		"\t\t# in the first place files would hide the verbs and questions, until they are asked for\n"
		"\t\tif [[ $word || ! $first ]]; then\n"
		"\t\t\tcompopt -o filenames 2>/dev/null\n"
		"\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
		"\t\tfi\n"
		"\tfi\n"
		"\tCOMPREPLY+=($(compgen -W \"$words\" -- \"$word\"))\n",
		out);
}

static void print_bash(FILE *out)
{
	(void)fputs(
		"# bash completion for peeps-read: made by `peeps-read completion bash`\n\n"
		"_peeps_read_pids()\n{\n"
		"\t\"${COMP_WORDS[0]}\" ps --color never --columns pid 2>/dev/null </dev/null |\n"
		"\t\tsed -n 's/^ *\\([0-9][0-9]*\\).*/\\1/p'\n"
		"}\n\n"
		"_peeps_read()\n{\n"
		"\tlocal word=${COMP_WORDS[COMP_CWORD]} before= verb= question= words= targets= first= i\n"
		"\tlocal IFS=$' \\t\\n'\n\n"
		"\tCOMPREPLY=()\n"
		"\tif ((COMP_CWORD > 0)); then before=${COMP_WORDS[COMP_CWORD-1]}; fi\n"
		"\t# --option=value is three words here\n"
		"\tif [[ $word == = ]]; then word=\n"
		"\telif [[ $before == = ]] && ((COMP_CWORD > 1)); then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\tcase ${COMP_WORDS[i]} in\n\t\t",
		out);
	print_verbs("|", out);
	(void)fputs(") if [[ ! $verb ]]; then verb=${COMP_WORDS[i]}; fi ;;\n\t\t", out);
	print_questions("|", out);
	(void)fputs(") question=yes ;;\n"
		    "\t\tesac\n"
		    "\tdone\n",
		    out);
	print_bash_arguments(out);
	print_bash_options(out);
	print_bash_words(out);
	(void)fputs("}\n\ncomplete -F _peeps_read peeps-read\n", out);
}

/* zsh */

/* Inside an argument of _arguments, [ ] and : have meanings. */
static void print_zsh_summary(const char *summary, FILE *out)
{
	for (; *summary; summary++) {
		if (strchr("[]:\\", *summary))
			(void)fputc('\\', out);
		if (*summary == '\'')
			(void)fputs("'\\''", out);
		else
			(void)fputc(*summary, out);
	}
}

/* '(-o --output)'{-o,--output}'[write there]:FILE:_files' */
static void print_zsh_option(const struct peeps_option_entry *option, enum peeps_verb verb,
			     FILE *out)
{
	char words[PEEPS_WORD_LIST_BYTES];

	(void)fputs("\t\t\t'(", out);
	print_spellings(option, " ", out);
	(void)fputs(")'", out);
	if (option->letter)
		(void)fprintf(out, "{-%c%s,--%s%s}'[", option->letter, option->argument ? "+" : "",
			      option->name, option->argument ? "=" : "");
	else
		(void)fprintf(out, "'--%s%s[", option->name, option->argument ? "=" : "");
	print_zsh_summary(option->summary, out);
	(void)fputc(']', out);
	if (option->argument) {
		(void)fprintf(out, "%s:%s:", option->argument_is_optional ? ":" : "",
			      option->argument);
		if (option->words)
			(void)fprintf(out, "(%s)", peeps_option_words(option, verb, " ", words));
		else
			(void)fputs(is_file(option) ? "_files" : " ", out);
	}
	(void)fputs("'\n", out);
}

static const char *zsh_words_of(const struct peeps_verb_entry *verb)
{
	switch (verb->takes) {
	case PEEPS_TAKES_TARGETS:
		return "'*:target:_peeps_read_targets'";
	case PEEPS_TAKES_PERHAPS_TARGETS:
		return "':target:_peeps_read_targets'";
	case PEEPS_TAKES_ID_AND_TARGETS:
		return "':id: ' '*:target:_peeps_read_targets'";
	case PEEPS_TAKES_DATABASE_AND_TARGETS:
		return "':database:_files' '*:target:_peeps_read_targets'";
	case PEEPS_TAKES_QUESTION_AND_TARGETS:
		return "':question:_peeps_read_questions' '*:target:_peeps_read_targets'";
	case PEEPS_TAKES_SHELL:
		return "':shell:(bash zsh fish)'";
	case PEEPS_TAKES_PERHAPS_A_VERB:
		return "':verb:_peeps_read_verbs'";
	case PEEPS_TAKES_NOTHING:
		break;
	}
	return "";
}

static void print_zsh_verb(enum peeps_verb verb, FILE *out)
{
	(void)fprintf(out, "\t%s)\n\t\toptions=(\n", verb ? peeps_verbs[verb].name : "''");
	for (size_t i = 0; i < peeps_option_count; i++) {
		if (!verb || peeps_verb_takes(verb, &peeps_option_entries[i]))
			print_zsh_option(&peeps_option_entries[i], verb, out);
	}
	(void)fprintf(out, "\t\t)\n\t\targuments=(%s) ;;\n",
		      verb ? zsh_words_of(&peeps_verbs[verb]) : "'*:target:_peeps_read_first'");
}

/* With --sql there is none, but a target. */
static void print_zsh_questions(FILE *out)
{
	(void)fputs("_peeps_read_questions()\n{\n\tlocal -a questions=(\n", out);
	for (size_t i = 0; i < peeps_question_count; i++) {
		(void)fprintf(out, "\t\t'%s:", peeps_questions[i].name);
		print_zsh_summary(peeps_questions[i].summary, out);
		(void)fputs("'\n", out);
	}
	(void)fputs("\t)\n"
		    "\t_describe -t questions question questions\n"
		    "\t_files\n"
		    "}\n\n",
		    out);
}

static void print_zsh(FILE *out)
{
	(void)fputs("#compdef peeps-read\n"
		    "# zsh completion for peeps-read: made by `peeps-read completion zsh`\n\n"
		    "_peeps_read_verbs()\n{\n"
		    "\tlocal -a verbs=(\n",
		    out);
	for (unsigned int i = PEEPS_VERB_PS; i < PEEPS_VERB_COUNT; i++) {
		(void)fprintf(out, "\t\t'%s:", peeps_verbs[i].name);
		print_zsh_summary(peeps_verbs[i].summary, out);
		(void)fputs("'\n", out);
	}
	(void)fputs("\t)\n"
		    "\t_describe -t verbs verb verbs\n"
		    "}\n\n",
		    out);
	print_zsh_questions(out);
	(void)fputs(
		"_peeps_read_targets()\n{\n"
		"\tlocal -a pids=(${(f)\"$(_call_program pids $program ps --color never --columns pid,name 2>/dev/null |\n"
		"\t\tsed -n -e '1d' -e 's/^ *\\([0-9][0-9]*\\) */\\1:/p')\"})\n"
		"\t_describe -t pids process pids\n"
		"\t_files\n"
		"}\n\n"
		"_peeps_read_first()\n{\n"
		"\t_peeps_read_verbs\n"
		"\t_peeps_read_targets\n"
		"}\n\n"
		"_peeps_read()\n{\n"
		"\tlocal verb= program=$words[1] word\n"
		"\tlocal -a options arguments\n\n"
		"\tfor word in ${words[2,CURRENT-1]}; do\n"
		"\t\tcase $word in\n\t\t(",
		out);
	print_verbs("|", out);
	(void)fputs(") verb=$word; break ;;\n"
		    "\t\tesac\n"
		    "\tdone\n"
		    "\tcase $verb in\n",
		    out);
	for (unsigned int i = 0; i < PEEPS_VERB_COUNT; i++)
		print_zsh_verb((enum peeps_verb)i, out);
	(void)fputs("\tesac\n"
		    "\tif [[ -n $verb ]]; then arguments=(':verb: ' $arguments); fi\n"
		    "\t_arguments -s -S $options $arguments\n"
		    "}\n\n"
		    "# as an autoloaded file, or sourced\n"
		    "if [[ $funcstack[1] == _peeps-read ]]; then\n"
		    "\t_peeps_read \"$@\"\n"
		    "else\n"
		    "\tcompdef _peeps_read peeps-read\n"
		    "fi\n",
		    out);
}

/* fish */

static void print_fish_conditions(const struct peeps_option_entry *option, FILE *out)
{
	bool every = true;

	for (unsigned int i = PEEPS_VERB_PS; i < PEEPS_VERB_COUNT; i++)
		every &= peeps_verb_takes((enum peeps_verb)i, option);
	if (every)
		return;
	(void)fputs(" -n '__peeps_read_verb_is \"\"", out);
	for (unsigned int i = PEEPS_VERB_PS; i < PEEPS_VERB_COUNT; i++) {
		if (peeps_verb_takes((enum peeps_verb)i, option))
			(void)fprintf(out, " %s", peeps_verbs[i].name);
	}
	(void)fputc('\'', out);
}

static void print_fish_names(const struct peeps_option_entry *option, FILE *out)
{
	if (option->letter)
		(void)fprintf(out, " -s %c", option->letter);
	(void)fprintf(out, " -l %s", option->name);
}

/* What a verb knows of an option's words, where verbs differ; "" = there is no verb yet. */
static void print_fish_words(const struct peeps_option_entry *option, enum peeps_verb verb,
			     FILE *out)
{
	char words[PEEPS_WORD_LIST_BYTES];

	(void)fprintf(out, "complete -c peeps-read -n '__peeps_read_verb_is %s'",
		      verb ? peeps_verbs[verb].name : "\"\"");
	print_fish_names(option, out);
	(void)fprintf(out, " -x -a '%s'\n", peeps_option_words(option, verb, " ", words));
}

static void print_fish_option(const struct peeps_option_entry *option, FILE *out)
{
	char words[PEEPS_WORD_LIST_BYTES];

	(void)fputs("complete -c peeps-read", out);
	print_fish_conditions(option, out);
	print_fish_names(option, out);
	if (option->argument && !option->argument_is_optional)
		(void)fputs(is_file(option) ? " -r -F" : " -x", out);
	if (option->words && !option->word_verbs)
		(void)fprintf(out, " -a '%s'",
			      peeps_option_words(option, PEEPS_VERB_LOOK, " ", words));
	(void)fputs(" -d ", out);
	print_quoted(option->summary, out);
	(void)fputc('\n', out);
	for (unsigned int i = 0; option->word_verbs && i < PEEPS_VERB_COUNT; i++) {
		if (i == PEEPS_VERB_LOOK || peeps_verb_takes((enum peeps_verb)i, option))
			print_fish_words(option, (enum peeps_verb)i, out);
	}
}

static void print_fish_verbs(FILE *out)
{
	for (unsigned int i = PEEPS_VERB_PS; i < PEEPS_VERB_COUNT; i++) {
		(void)fprintf(
			out, "complete -c peeps-read -n '__peeps_read_verb_is \"\" help' -a %s -d ",
			peeps_verbs[i].name);
		print_quoted(peeps_verbs[i].summary, out);
		(void)fputc('\n', out);
	}
	for (size_t i = 0; i < peeps_question_count; i++) {
		(void)fprintf(out,
			      "complete -c peeps-read -n '__peeps_read_verb_is query' -a %s -d ",
			      peeps_questions[i].name);
		print_quoted(peeps_questions[i].summary, out);
		(void)fputc('\n', out);
	}
	(void)fputs("complete -c peeps-read -n '__peeps_read_verb_is completion' -a '", out);
	print_words(peeps_shell_names, " ", out);
	(void)fputs("'\ncomplete -c peeps-read -n '__peeps_read_verb_is \"\"", out);
	for (unsigned int i = PEEPS_VERB_PS; i < PEEPS_VERB_COUNT; i++) {
		if (takes_targets(&peeps_verbs[i]))
			(void)fprintf(out, " %s", peeps_verbs[i].name);
	}
	(void)fputs("' -F -a '(__peeps_read_pids)'\n", out);
}

static void print_fish(FILE *out)
{
	(void)fputs(
		"# fish completion for peeps-read: made by `peeps-read completion fish`\n\n"
		"# Whether the verb on the command line is one of these; \"\" = there is none yet.\n"
		"function __peeps_read_verb_is\n"
		"\tset -l verb \"\"\n"
		"\tfor word in (commandline -opc)[2..-1]\n"
		"\t\tif contains -- $word ",
		out);
	print_verbs(" ", out);
	(void)fputs("\n"
		    "\t\t\tset verb $word\n"
		    "\t\t\tbreak\n"
		    "\t\tend\n"
		    "\tend\n"
		    "\tcontains -- \"$verb\" $argv\n"
		    "end\n\n"
		    "function __peeps_read_pids\n"
		    "\tset -l program (commandline -opc)[1]\n"
		    "\t$program ps --color never --columns pid,name 2>/dev/null </dev/null |\n"
		    "\t\tstring replace -rf '^ *([0-9]+) +(.*)$' '$1\\t$2'\n"
		    "end\n\n"
		    "complete -c peeps-read -f\n",
		    out);
	for (size_t i = 0; i < peeps_option_count; i++)
		print_fish_option(&peeps_option_entries[i], out);
	print_fish_verbs(out);
}

void peeps_completion(enum peeps_shell shell, FILE *out)
{
	switch (shell) {
	case PEEPS_SHELL_BASH:
		print_bash(out);
		break;
	case PEEPS_SHELL_ZSH:
		print_zsh(out);
		break;
	case PEEPS_SHELL_FISH:
		print_fish(out);
		break;
	}
}
