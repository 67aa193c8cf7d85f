/* Fuzz target of the reader of Chakra traces: what is accepted holds what a replay relies on, what is refused was
 * reported. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/inputs/input.h"
#include "io/trace/trace_classes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules[] = "- {match: nccl, class: nccl, collective: library, bound: communication}\n"
                            "- {match: gemm, class: gemm, bound: compute}\n";

static void must(int condition)
{
    if (!condition)
        abort();
}

static void check_kernel(const struct trace *t, uint32_t i)
{
    const struct trace_kernel *k = &t->kernels[i];
    must(k->class_id < t->n_classes && k->stream < t->n_streams);
    must(k->phase < t->n_phases || k->phase == TRACE_NONE);
    must(k->launch_after < i || k->launch_after == TRACE_NONE);
    must(k->duration_s >= 0 && k->rows >= 0 && k->layer >= 0);
    must(k->start_s >= (i ? t->kernels[i - 1].start_s : 0));
    must(k->message < t->n_messages || k->message == TRACE_NONE);
    must(k->first_dep <= t->n_deps && k->n_deps <= t->n_deps - k->first_dep);
    for (uint32_t d = 0; d < k->n_deps; d++)
        must(t->deps[k->first_dep + d] < i);
}

static void check_message(const struct trace *t, const struct trace_message *m)
{
    must(m->operation < N_OPERATIONS && m->bytes_B >= 0 && m->peer >= -1);
    must(m->group < t->n_groups || m->group == TRACE_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct diag *d = diag_new();
    struct class_table classes;
    struct trace_list list = {0};
    must(class_table_parse(&classes, rules, sizeof rules - 1, "rules", a, d) == 0);
    char *copy = malloc(size ? size : 1); /* exact: reading too far is seen */
    must(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    int failed = chakra_read_memory(copy, size, "in.et", &classes, &list, a, d);
    must((failed != 0) == diag_failed(d));
    for (uint32_t i = 0; !failed && i < list.ranks[0].trace->n_kernels; i++)
        check_kernel(list.ranks[0].trace, i);
    for (uint32_t i = 0; !failed && i < list.ranks[0].trace->n_messages; i++)
        check_message(list.ranks[0].trace, &list.ranks[0].trace->messages[i]);
    free(copy);
    diag_free(d);
    arena_free(a);
    return 0;
}
