/* Where sparse attention starts to pay: attention of all layers of a step of decoding at several contexts, as the model
 * has it and with every position attended to (the block's `dense` type). Kernel times alone; whether a batch has room at
 * a context is not asked here. */
#include <math.h>

#include "kinds/infer/infer_result.h"
#include "kinds/result_build.h"
#include "models/llm/blocks/block.h"

enum { FIRST_CONTEXT = 1024, LAST_CONTEXT = 128 * 1024, ROWS = 8 };
enum { SP_CONTEXT, SP_SPARSE, SP_DENSE, SP_RATIO, N_SP };
static const struct result_column columns[N_SP] = {
    {"context", DIM_COUNT, "positions in the cache", false},
    {"sparse", DIM_TIME, "attention of all layers: the choice, and what is chosen", false},
    {"dense", DIM_TIME, "the same if everything were attended to", false},
    {"dense_over_sparse", DIM_RATIO, "above 1: choosing pays", false},
};

static bool has_choice(const struct model *m)
{
    for (uint32_t i = 0; i < m->n_blocks; i++)
        if (m->block[i]->dense_type)
            return true;
    return false;
}

static double gain(const struct infer_outcome *o, double context)
{
    return infer_attention_s(&o->step.layout, o->kernels, context, true) /
           infer_attention_s(&o->step.layout, o->kernels, context, false);
}

/* Between a context at which it does not pay and one at which it does. */
static double crossing(const struct infer_outcome *o, double below, double above)
{
    while (above - below > 1) {
        double middle = floor((below + above) / 2);
        *(gain(o, middle) > 1 ? &above : &below) = middle;
    }
    return above;
}

static void add_crossing(struct kind_run *run, const struct infer_outcome *o, double paid_from)
{
    if (paid_from <= 0) {
        result_add_note(&run->result, run->arena, "sparse attention does not pay up to 128K positions at this batch");
        return;
    }
    double from = paid_from > FIRST_CONTEXT ? crossing(o, paid_from / 2, paid_from) : paid_from;
    result_add_metric(&run->result, run->arena, "sparse_pays_from", from, DIM_COUNT,
                      "positions in the cache from which choosing them takes less time than attending to all", NULL);
}

void infer_result_sparse(struct kind_run *run, const struct infer_outcome *o)
{
    double paid_from = 0;
    if (o->step.layout.prefill || !has_choice(o->step.layout.model))
        return;
    struct result_table *t =
        result_add_table(&run->result, run->arena, "sparse_attention",
                         "attention of a micro-batch, all layers, by context; kernels alone", columns, N_SP, ROWS);
    for (double context = FIRST_CONTEXT; context <= LAST_CONTEXT; context *= 2) {
        struct result_cell *row = result_add_row(t);
        row[SP_CONTEXT].value = context;
        row[SP_SPARSE].value = infer_attention_s(&o->step.layout, o->kernels, context, false);
        row[SP_DENSE].value = infer_attention_s(&o->step.layout, o->kernels, context, true);
        row[SP_RATIO].value = row[SP_DENSE].value / row[SP_SPARSE].value;
        paid_from = row[SP_RATIO].value <= 1 ? 0 : paid_from > 0 ? paid_from : context;
    }
    add_crossing(run, o, paid_from);
}
