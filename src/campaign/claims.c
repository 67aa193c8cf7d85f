/* Running claims: equal command lines are one run, each in a child of the pool. A child answers with its exit code,
 * its standard output and its standard error; times are taken here. */
#include "config.h" /* memfd_create */

#include "campaign/claims.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/stats.h"
#include "base/units.h"
#include "kinds/pool.h"

struct command_run {
    const struct claim_source *source;
    uint32_t seed; /* of the simulation; 0: the scenario's */
    double start_s, wall_s;
    struct json_doc *doc; /* NULL = it printed none */
    const char *message;  /* why, when there is none, or why it died */
};

struct work {
    claims_command_fn *command;
    struct command_run *runs;
    uint32_t n_runs;
    uint32_t *ours, *other; /* [claims] run of each */
    uint32_t n_seeds;
    uint32_t *seeded; /* [runs] where those of its seeds begin; 0: it has none */
    struct arena *arena;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- in a child --------------------------------------------------------------------------------------------------- */

static void copy_file(int fd, FILE *out)
{
    char buffer[65536];
    ssize_t n;
    for (off_t at = 0; (n = pread(fd, buffer, sizeof buffer, at)) > 0; at += n)
        fwrite(buffer, 1, (size_t)n, out);
}

/* "EXIT_CODE BYTES_OF_STDERR\n", standard error, standard output. The pool keeps standard error in a file already. */
static void run_command(void *ctx, uint32_t id, FILE *out)
{
    const struct work *w = ctx;
    const struct claim_source *s = w->runs[id].source;
    char **argv = ARENA_ARRAY(w->arena, char *, (size_t)s->argc + 3);
    int argc = 0;
    for (; argc < s->argc; argc++)
        argv[argc] = arena_strdup(w->arena, s->argv[argc]);
    if (w->runs[id].seed) {
        argv[argc++] = arena_strdup(w->arena, "-s");
        argv[argc++] = arena_printf(w->arena, "sim.seed=%u", w->runs[id].seed);
    }
    int printed = memfd_create("stdout", MFD_CLOEXEC);
    if (printed < 0 || dup2(printed, STDOUT_FILENO) < 0)
        _exit(EXIT_LIMIT);
    int code = w->command(argc, argv);
    fflush(NULL);
    off_t said = lseek(STDERR_FILENO, 0, SEEK_END);
    fprintf(out, "%d %lld\n", code, said > 0 ? (long long)said : 0);
    copy_file(STDERR_FILENO, out);
    copy_file(printed, out);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* The first line of a message, without "error: " and what is before it. */
static const char *first_line(const char *text, size_t len, struct arena *arena)
{
    const char *line = arena_printf(arena, "%.*s", (int)strcspn(text, "\n"), len ? text : "");
    const char *word = strstr(line, "error: ");
    return word ? word : line;
}

static void take_answer(struct command_run *run, const struct pool_answer *a, struct arena *arena)
{
    int code = -1;
    long long said = 0;
    run->wall_s = now_s() - run->start_s;
    const char *body = a->data ? strchr(a->data, '\n') : NULL;
    if (!body || sscanf(a->data, "%d %lld", &code, &said) != 2) {
        run->message = arena_strdup(arena, a->died ? a->died : "no answer");
        return;
    }
    body++;
    size_t left = a->len - (size_t)(body - a->data);
    run->doc = json_doc_parse(body + said, left - (size_t)said);
    if (!run->doc) {
        run->message = code == EXIT_OK || code == EXIT_NO
                           ? "the command prints no JSON; has it '--format json' or '--json'?"
                           : arena_printf(arena, "exit code %d: %s", code, first_line(body, (size_t)said, arena));
        run->doc = json_doc_new();
    }
    json_doc_set(run->doc, "exit_code", code);
}

/* --- all runs ----------------------------------------------------------------------------------------------------- */

static bool same_command(const struct claim_source *a, const struct claim_source *b)
{
    if (a->argc != b->argc)
        return false;
    for (int i = 0; i < a->argc; i++)
        if (strcmp(a->argv[i], b->argv[i]))
            return false;
    return true;
}

static uint32_t run_of(struct work *w, const struct claim_source *s)
{
    for (uint32_t i = 0; i < w->n_runs; i++)
        if (same_command(w->runs[i].source, s))
            return i;
    w->runs[w->n_runs] = (struct command_run){.source = s};
    return w->n_runs++;
}

/* Only runs have a seed, and only those that leave it to us. */
static bool takes_seeds(const struct claim_source *s)
{
    for (int i = 0; i < s->argc; i++)
        if (strstr(s->argv[i], "sim.seed"))
            return false;
    return s->argc && !strcmp(s->argv[0], "run");
}

static void plan_seeds(struct work *w)
{
    uint32_t n = w->n_runs;
    w->seeded = ARENA_ARRAY(w->arena, uint32_t, n + 1);
    for (uint32_t i = 0; i < n && w->n_seeds; i++) {
        if (!takes_seeds(w->runs[i].source))
            continue;
        w->seeded[i] = w->n_runs;
        for (uint32_t seed = 1; seed <= w->n_seeds; seed++)
            w->runs[w->n_runs++] = (struct command_run){.source = w->runs[i].source, .seed = seed};
    }
}

static void plan(struct work *w, const struct claim *claims, uint32_t n)
{
    w->runs = ARENA_ARRAY(w->arena, struct command_run, 2 * (size_t)n * (1 + w->n_seeds));
    w->ours = ARENA_ARRAY(w->arena, uint32_t, n);
    w->other = ARENA_ARRAY(w->arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        w->ours[i] = w->other[i] = run_of(w, &claims[i].ours);
        if (claims[i].expect.order != ORDER_NONE)
            w->other[i] = run_of(w, &claims[i].other);
    }
    plan_seeds(w);
}

static int run_all(struct work *w, uint32_t jobs, struct diag *diag)
{
    struct pool_limits limits = {.jobs = jobs};
    struct pool *pool = pool_new(&limits, run_command, w);
    struct pool_answer a;
    uint32_t started = 0, done = 0;
    int failed = 0;
    while (!failed && (started < w->n_runs || !pool_is_empty(pool))) {
        if (started < w->n_runs && !pool_is_full(pool)) {
            w->runs[started].start_s = now_s();
            failed = pool_start(pool, started++, diag);
            continue;
        }
        if (pool_wait(pool, 0.2, &a)) {
            take_answer(&w->runs[a.id], &a, w->arena);
            progress_parts(++done, w->n_runs);
            free(a.data);
            free(a.died);
        }
        progress_tick(NULL);
    }
    pool_free(pool);
    return failed;
}

/* --- verdicts ----------------------------------------------------------------------------------------------------- */

/* A time in GB is a mistake in the claim; NULL: the units go together, or the result's is not known. */
static const char *unit_mismatch(const struct claim *c, const struct json_answer *answer, struct arena *arena)
{
    char one[64], why[256];
    double unused;
    snprintf(one, sizeof one, "1 %.40s", c->unit);
    if (!c->unit_is_known || !answer->unit ||
        !unit_parse(one, strlen(one), unit_dim_of_si(answer->unit), &unused, why, sizeof why))
        return NULL;
    return arena_printf(arena, "'%s' is no unit for it: the number is %s%s", c->unit,
                        *answer->unit ? "in " : "a ratio or a count", answer->unit);
}

/* The metric's value in the claim's unit, NaN with *why set when there is none. */
static double value_in(const struct command_run *run, const struct json_expr *metric, const struct claim *c,
                       struct arena *arena, const char **arithmetic, const char **why)
{
    struct json_answer answer;
    if (!run->doc || json_expr_eval(metric, run->doc, arena, &answer, why)) {
        if (run->message)
            *why = run->message;
        return NAN;
    }
    if ((*why = unit_mismatch(c, &answer, arena)))
        return NAN;
    *arithmetic = run->message ? run->message : answer.arithmetic; /* of an exit code: what the command said */
    return answer.value / c->unit_SI;
}

/* Mean and interval over the seeds, where the number depends on them. */
static void add_interval(const struct work *w, const struct claim *c, uint32_t i, struct claim_result *r)
{
    uint32_t first = w->seeded[w->ours[i]];
    if (!first)
        return;
    double *values = ARENA_ARRAY(w->arena, double, w->n_seeds);
    const char *unused, *why = NULL;
    for (uint32_t k = 0; k < w->n_seeds; k++) {
        values[k] = value_in(&w->runs[first + k], c->ours.metric, c, w->arena, &unused, &why);
        if (why)
            return; /* a kind that draws nothing refuses the seed */
    }
    struct stats s = stats_of(values, w->n_seeds);
    if (!(s.max - s.min > 1e-9 * fabs(s.mean)))
        return;
    r->n_seeds = w->n_seeds;
    r->mean = s.mean;
    r->half = stats_ci95(&s);
}

static void judge(const struct work *w, const struct claim *c, uint32_t i, struct claim_result *r)
{
    const char *why = NULL, *unused = "";
    *r = (struct claim_result){.claim = c,
                               .other = NAN,
                               .deviation_ratio = NAN,
                               .arithmetic = "",
                               .message = "",
                               .wall_s = w->runs[w->ours[i]].wall_s};
    r->ours = value_in(&w->runs[w->ours[i]], c->ours.metric, c, w->arena, &r->arithmetic, &why);
    if (!why && c->expect.order != ORDER_NONE) {
        r->other = value_in(&w->runs[w->other[i]], c->other.metric, c, w->arena, &unused, &why);
        if (w->other[i] != w->ours[i])
            r->wall_s += w->runs[w->other[i]].wall_s;
    }
    if (!why)
        add_interval(w, c, i, r);
    if (!why) {
        claim_judge(r, w->arena);
        return;
    }
    r->verdict = VERDICT_ERROR;
    r->message = why;
}

int claims_run(const struct claim *claims, uint32_t n, uint32_t jobs, uint32_t seeds, claims_command_fn *command,
               struct arena *arena, struct claim_results *out, struct diag *diag)
{
    struct work w = {.command = command, .arena = arena, .n_seeds = seeds};
    double start_s = now_s();
    plan(&w, claims, n);
    progress_begin("running claims");
    int failed = run_all(&w, jobs, diag);
    progress_end();
    *out = (struct claim_results){.results = ARENA_ARRAY(arena, struct claim_result, n), .n = n, .n_runs = w.n_runs};
    for (uint32_t i = 0; i < n && !failed; i++) {
        judge(&w, &claims[i], i, &out->results[i]);
        out->count[out->results[i].verdict]++;
    }
    for (uint32_t i = 0; i < w.n_runs; i++)
        json_doc_free(w.runs[i].doc);
    out->wall_s = now_s() - start_s;
    return failed;
}
