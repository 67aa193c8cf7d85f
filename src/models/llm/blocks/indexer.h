/* Indexers of sparse attention: heads of a few small queries score all cached entries by small keys of their own, which
 * are cached, too, and the best are attended to (DeepSeek-V3.2's lightning indexer). Nothing is measured here: batched
 * FP8 GEMMs, and passes over scores. */
#ifndef MOESIM_MODELS_LLM_BLOCKS_INDEXER_H
#define MOESIM_MODELS_LLM_BLOCKS_INDEXER_H

#include "models/llm/blocks/attention.h"

struct index_dims {
    int64_t heads, dim, top_k; /* of the index; entries that a query attends to */
    double value_B;            /* of a number of a cached key, scales counted */
};

#define INDEX_ROWS(table, x) \
    ROW_DIM(table, "index_heads", x.heads, "0", "sparse attention: heads of the indexer"), \
        ROW_DIM(table, "index_dim", x.dim, "0", "sparse attention: dimension of the indexer's keys"), \
        ROW_DIM(table, "index_top_k", x.top_k, "0", "sparse attention: entries that a query attends to"), \
        ROW_NUMBER_B(table, "index_value", x.value_B, "1.03125 B", \
                     "sparse attention: a cached number of the indexer's keys (FP8, an FP32 scale per 128)")

/* Entries that are attended to of so many. */
double index_chosen(const struct index_dims *i, double entries);
/* Of a cached entry. */
double index_entry_B(const struct index_dims *i);
/* Forward FLOPs of a token that scores so many entries. */
double index_flop(const struct index_dims *i, double entries);
/* Scores of the sequences' new tokens against `entries` each, and the choice. Every GPU of a group does all of it. */
void index_choose(struct layer_kernels *k, const struct index_dims *i, double entries);

#endif
