/* Values of command-line options. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cfg.h"
#include "base/outfile.h"
#include "base/progress.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "io/results/writers.h"

void option_verb(const char *word, const char *command, struct argp_state *state)
{
    static const char *const verbs[] = {"info", "import", NULL};
    for (int i = 0; verbs[i]; i++)
        if (!strcmp(verbs[i], word))
            return;
    const char *near = cfg_nearest(word, verbs);
    if (near)
        argp_error(state, "there is no '%s %s'; did you mean '%s %s'?", command, word, command, near);
    else
        argp_error(state, "there is no '%s %s'; there are info and import", command, word);
}

int option_word(const char *word, const char *const *words, const char *what, struct argp_state *state)
{
    char list[256] = "";
    for (int i = 0; words[i]; i++) {
        if (!strcmp(words[i], word))
            return i;
        size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%s", !i ? "" : words[i + 1] ? ", " : " and ", words[i]);
    }
    const char *near = cfg_nearest(word, words);
    argp_error(state, "there is no %s '%s'%s%s%s; there are %s", what, word, near ? "; did you mean '" : "",
               near ? near : "", near ? "'?" : "", list);
    return -1;
}

uint64_t option_whole(const char *text, uint64_t least, uint64_t most, const char *what, struct argp_state *state)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || !*text || *end || text[0] == '-' || value < least || value > most)
        argp_error(state, "%s is a whole number from %llu to %llu, not '%s'", what, (unsigned long long)least,
                   (unsigned long long)most, text);
    return value;
}

bool option_lacks_percent(const char *text, double value)
{
    return value >= 1 && !strchr(text, '%');
}

double option_share(const char *text, const char *what, struct argp_state *state)
{
    char why[200];
    double value = 0;
    if (unit_parse(text, strlen(text), DIM_RATIO, &value, why, sizeof why) || !(value > 0) || value > 10)
        argp_error(state, "%s is a share above 0 and up to 10 (1000 %%), such as '10 %%' or 0.1, not '%.40s'", what,
                   text);
    if (option_lacks_percent(text, value))
        argp_error(state, "%s: '%s' is %g times the value; write '%s %%'", what, text, value, text);
    return value;
}

/* --- an option given twice ------------------------------------------------------------------------------ */

enum { MAX_OPTIONS = 64 };

struct once {
    const struct argp *argp; /* the command's own */
    void *input;
    bool seen[MAX_OPTIONS]; /* by its place in the table */
};

/* The first option of a key that is no alias; NULL for keys of argp itself. */
static const struct argp_option *option_of(const struct argp_option *options, int key)
{
    for (const struct argp_option *o = options; o && (o->name || o->doc); o++)
        if (o->key == key && o->name)
            return o;
    return NULL;
}

static void refuse_second(const struct argp_option *option, bool *seen, struct argp_state *state)
{
    if (*seen && option->arg && !(option->flags & OPTION_LIST))
        argp_error(state, "--%s is given twice; give it once", option->name);
    *seen = true;
}

static error_t parse_once(int key, char *arg, struct argp_state *state)
{
    struct once *once = state->input;
    const struct argp_option *option = key ? option_of(once->argp->options, key) : NULL;
    if (option) {
        BUG_IF(option - once->argp->options >= MAX_OPTIONS);
        refuse_second(option, &once->seen[option - once->argp->options], state);
    }
    state->input = once->input;
    error_t error = once->argp->parser(key, arg, state);
    state->input = once;
    return error;
}

void options_parse(const struct argp *argp, int argc, char **argv, void *input)
{
    struct once once = {.argp = argp, .input = input};
    struct argp checked = *argp;
    checked.parser = parse_once;
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&checked, argc, argv, 0, NULL, &once);
}

/* --- --progress ------------------------------------------------------------------------------------------- */

enum { KEY_PROGRESS = 1024 };
static const struct argp_option progress_option[2];

static error_t parse_progress(int key, char *arg, struct argp_state *state)
{
    static bool seen;
    if (key != KEY_PROGRESS)
        return ARGP_ERR_UNKNOWN;
    refuse_second(progress_option, &seen, state);
    if (!strcmp(arg, "never"))
        progress_never();
    else if (strcmp(arg, "auto"))
        argp_error(state, "--progress is 'auto' or 'never', not '%s'", arg);
    return 0;
}

static const struct argp_option progress_option[2] = {{"progress", KEY_PROGRESS, "WHEN", 0,
                                                       "auto (default): after a second, say on standard error what is "
                                                       "being done, how far it is and how long it will take; "
                                                       "never",
                                                       0},
                                                      {0}};
static const struct argp progress_argp = {progress_option, parse_progress, NULL, NULL, NULL, NULL, NULL};
const struct argp_child progress_options[] = {{&progress_argp, 0, NULL, 0}, {0}};

void option_shard(const char *text, uint32_t *shard, uint32_t *n_shards, struct argp_state *state)
{
    enum { MAX_SHARDS = 65535 };
    int end = 0;
    if (sscanf(text, "%u/%u%n", shard, n_shards, &end) != 2 || text[end] || !*shard || *shard > *n_shards ||
        *n_shards > MAX_SHARDS)
        argp_error(state, "--shard wants I/N with I from 1 to N, not '%s'", text);
}

void option_output(const char *path, const char *const *others, int n, struct argp_state *state)
{
    for (int i = 0; i < n; i++)
        if (outfile_same(path, others[i]))
            argp_error(state, "'%s' and '%s' are one file, in which only the last output would stay", others[i], path);
}

const char *option_table_file(const char *path, struct argp_state *state)
{
    if (!outfile_ends_in(path, ".json") && !outfile_ends_in(path, ".csv") && !outfile_ends_in(path, ".tex") &&
        strncmp(path, "/dev/", 5))
        argp_error(state, "-o %s: the name must end in .json, .csv or .tex, or those with .gz", path);
    return path;
}

void print_table(const struct result_table *table, const char *const *notes, const char *path, bool json,
                 struct diag *diag)
{
    if (path)
        result_write_table(table, notes, path, diag);
    else if (json)
        result_write_table(table, notes, "-", diag);
    else
        result_print_table(table, stdout);
    for (const char *const *note = path || json ? NULL : notes; note && *note; note++)
        printf("all points: %s\n", *note);
}
