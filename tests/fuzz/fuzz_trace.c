/* Fuzz target of the trace import: both formats, from memory. A trace that is accepted must
 * hold what a replay relies on (indices, order), and must come back from its own file; what
 * is refused must have been reported. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/trace/trace_file.h"

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

static void must(int condition)
{
    if (!condition)
        abort();
}

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

static void check_kernel(const struct trace *t, uint32_t i)
{
    const struct trace_kernel *k = &t->kernels[i];

    must(k->class_id < t->n_classes && k->stream < t->n_streams);
    must(k->phase < t->n_phases || k->phase == TRACE_NONE);
    must(k->launch_after < i || k->launch_after == TRACE_NONE);
    must(k->duration_s >= 0 && k->rows >= 0 && k->layer >= 0);
    must(k->start_s >= (i ? t->kernels[i - 1].start_s : 0));
    must(k->first_dep <= t->n_deps && k->n_deps <= t->n_deps - k->first_dep);
    for (uint32_t d = 0; d < k->n_deps; d++)
        must(t->deps[k->first_dep + d] < i);
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
static void check_round_trip(const struct trace *t, struct arena *a, struct diag *d)
{
    size_t size, again_size;

    must(trace_write(t, path, d) == 0);
    char *text = read_back(&size);
    const struct trace *again = trace_import_memory(text, size, "again", NULL, a, d);
    must(again && trace_write(again, path, d) == 0);
    char *again_text = read_back(&again_size);
    must(size == again_size && memcmp(text, again_text, size) == 0);
    free(text);
    free(again_text);
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
    const struct trace *t = trace_import_memory(copy, size, "in.json", &classes, a, d);
    must((t == NULL) == diag_failed(d));
    must(t || diag_text(d)[0]);
    for (uint32_t i = 0; t && i < t->n_kernels; i++)
        check_kernel(t, i);
    if (t)
        check_round_trip(t, a, d);
    free(copy);
    diag_free(d);
    arena_free(a);
    return 0;
}
