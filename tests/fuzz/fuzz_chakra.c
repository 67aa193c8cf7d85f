/* Fuzz target of the reader of Chakra traces: what is accepted holds what a replay relies on, what is refused was
 * reported. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/inputs/input.h"
#include "io/trace/trace_classes.h"
#include "trace_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules[] = "- {match: nccl, class: nccl, collective: library, bound: communication}\n"
                            "- {match: gemm, class: gemm, bound: compute}\n";

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
    if (!failed)
        check_trace(list.ranks[0].trace);
    free(copy);
    diag_free(d);
    arena_free(a);
    return 0;
}
