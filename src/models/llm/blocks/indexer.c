#include "models/llm/blocks/indexer.h"

#include <math.h>

enum { SCORE_B = 4, CHOICE_B = 4 };

double index_chosen(const struct index_dims *i, double entries)
{
    return fmin((double)i->top_k, entries);
}

double index_entry_B(const struct index_dims *i)
{
    return (double)i->dim * i->value_B;
}

double index_flop(const struct index_dims *i, double entries)
{
    return 2 * (double)(i->heads * i->dim) * entries;
}

void index_choose(struct layer_kernels *k, const struct index_dims *i, double entries)
{
    double tokens = k->sequences * k->new_tokens;
    layer_core(k, "index scores",
               (struct kernel_call){.family = KERNEL_GEMM,
                                    .dtype = KERNEL_FP8,
                                    .m = k->new_tokens * (double)i->heads,
                                    .n = entries,
                                    .k = (double)i->dim,
                                    .groups = (uint32_t)fmax(1, k->sequences)});
    layer_core(k, "choice of entries",
               (struct kernel_call){.family = KERNEL_ROUTER,
                                    .read_B = tokens * entries * SCORE_B,
                                    .written_B = tokens * index_chosen(i, entries) * CHOICE_B});
}
