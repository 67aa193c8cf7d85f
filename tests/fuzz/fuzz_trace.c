/* Fuzz target of the trace import: both formats, of one rank and several, from memory. What is accepted must
 * hold what a replay relies on (indices, order, calls whose kernels overlap), and must come back from its own
 * file; what is refused must have been reported. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/inputs/trace_import.h"
#include "io/trace/trace_file.h"
#include "trace_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One rule of each kind, with names that are short enough to be found. */
static const char rules[] = "- {match: notify, class: notify, collective: notify, host_awaits: true, bound: wait}\n"
                            "- {match: send, class: send, collective: dispatch, bound: communication}\n"
                            "- {match: perm, class: perm, per_token: always, sets_rows: 16, bound: memory}\n"
                            "- {match: row, class: row, per_token: grid, rows_per_block: 1, bound: memory}\n"
                            "- {match: el, class: el, per_token: grid, elements_per_block: 64, bound: memory}\n"
                            "- {match: cast, class: cast, per_token: permute, bound: memory}\n"
                            "- {match: grad, class: grad, per_token: fork, bound: compute}\n"
                            "- {match: 'g*m', class: gemm, bound: compute}\n";

static char path[64];
static struct class_table classes;
static struct arena *classes_arena;

static void tear_down(void)
{
    unlink(path);
    arena_free(classes_arena);
}

static void set_up(void)
{
    struct diag *d = diag_new();

    strcpy(path, "/tmp/moesim-fuzz-XXXXXX");
    int fd = mkstemp(path);
    must(fd >= 0);
    close(fd);
    atexit(tear_down);
    classes_arena = arena_new();
    must(class_table_parse(&classes, rules, sizeof rules - 1, "rules", classes_arena, d) == 0);
    diag_free(d);
}

static char *read_back(size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;

    must(f && fseek(f, 0, SEEK_END) == 0);
    *size = (size_t)ftell(f);
    rewind(f);
    text = malloc(*size + 1);
    must(text && fread(text, 1, *size, f) == *size);
    fclose(f);
    return text;
}

/* Written, read and written again: the same bytes. */
static void check_round_trip(const struct trace_set *set, struct arena *a, struct diag *d)
{
    size_t size, again_size;

    must(trace_set_write(set, path, d) == 0);
    char *text = read_back(&size);
    const struct trace_set *again = trace_import_memory(text, size, "again", NULL, a, d);
    must(again && trace_set_write(again, path, d) == 0);
    char *again_text = read_back(&again_size);
    must(size == again_size && memcmp(text, again_text, size) == 0);
    free(text);
    free(again_text);
}

/* Kernels of a call wait for each other: each of them ends after the last began. */
static void check_call(const struct trace_set *set, const struct trace_call *c)
{
    must(c->n >= 2 && c->first <= set->n_members && c->n <= set->n_members - c->first);
    for (uint32_t i = 0; i < c->n; i++) {
        const struct trace_call_member *m = &set->members[c->first + i];
        must(m->trace < set->n && m->kernel < set->traces[m->trace]->n_kernels);
        must(!i || m[-1].trace < m->trace);
        const struct trace_kernel *k = &set->traces[m->trace]->kernels[m->kernel];
        double start_s = set->clocks[m->trace].origin_s + k->start_s;
        must(start_s <= c->last_start_s && start_s + k->duration_s >= c->last_start_s);
        must(&set->calls[set->call_of[m->trace][m->kernel]] == c);
    }
}

static void check_set(const struct trace_set *set, struct arena *a, struct diag *d)
{
    for (uint32_t t = 0; t < set->n; t++) {
        check_trace(set->traces[t]);
        must(!t || set->traces[t - 1]->rank < set->traces[t]->rank);
    }
    for (uint32_t c = 0; c < set->n_calls; c++)
        check_call(set, &set->calls[c]);
    check_round_trip(set, a, d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!path[0])
        set_up();
    struct arena *a = arena_new();
    struct diag *d = diag_new();
    char *copy = malloc(size ? size : 1); /* exact: reading too far is seen */
    must(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    const struct trace_set *set = trace_import_memory(copy, size, "in.json", &classes, a, d);
    must((set == NULL) == diag_failed(d));
    must(set || diag_text(d)[0]);
    if (set)
        check_set(set, a, d);
    free(copy);
    diag_free(d);
    arena_free(a);
    return 0;
}
