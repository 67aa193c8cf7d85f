/* Prompts are dealt to the decoding nodes in turn; GPU i of a node sends to GPU i of the node that decodes, over one
 * rail. In a TP group every GPU sends what it holds of the cache: all of a latent one, its heads of a grouped one.
 * A layer's part goes when its attention is done, or everything after the head; transfers share NICs and
 * links with dispatch and combine.
 *
 * Left out: handshakes, caches that are staged in memory of the CPU, what was found in a cache of prefixes being
 * elsewhere than on the GPU that prefills. */
#include "kinds/infer/infer_kv.h"

#include <math.h>

#include "models/llm/blocks/block.h"

/* What a GPU of the group holds of a prompt: of a window, the positions that decoding will still see. */
static double prompt_B(const struct infer_layout *l)
{
    return model_cache_rank_B(l->model, l->context + l->new_tokens, l->tp);
}

static double layer_B(const struct infer_layout *l, uint32_t layer)
{
    const struct block *b = l->model->layer[layer].attention;
    if (!b)
        return 0;
    return b->type->attention->cache_B(l->model, b->dims, l->context + l->new_tokens) /
           b->type->attention->cache_parts(b->dims, l->tp);
}

double infer_kv_rank_B(const struct infer_layout *l)
{
    return l->micro_batches * l->sequences * prompt_B(l);
}

double infer_kv_last_B(const struct infer_layout *l)
{
    return l->sequences * layer_B(l, (uint32_t)l->model->layers - 1);
}

struct sending {
    const struct infer_step *s;
    const struct infer_kv *kv;
    struct opgraph *g;
    uint32_t *lane; /* [ranks] */
};

static uint32_t destination(const struct sending *x, uint32_t rank, uint32_t prompt)
{
    uint32_t per_node = x->s->layout.ranks_per_node;
    return x->kv->first_rank + prompt % x->kv->n_nodes * per_node + rank % per_node;
}

/* Prompts from..to of the group's are under way in a part, the first and last perhaps in part: micro-batches may
 * divide a prompt. */
static void add_transfers(const struct sending *x, uint32_t rank, double from, double to, double bytes_B, uint32_t op)
{
    const struct infer_layout *l = &x->s->layout;
    uint32_t of_group = (uint32_t)lround(l->sequences * l->micro_batches);
    for (double p = floor(from); p < to; p++) {
        double share = fmin(p + 1, to) - fmax(p, from);
        uint32_t dst = destination(x, rank, rank / l->tp * of_group + (uint32_t)p);
        opgraph_transfer(x->g, &(struct transfer){.src_op = op,
                                                  .dst_op = op,
                                                  .src = rank,
                                                  .dst = dst,
                                                  .bytes_B = share * bytes_B,
                                                  .weight = 1,
                                                  .priority = (uint8_t)l->hw->traffic.kv_cache});
    }
}

static void add_part(const struct sending *x, uint32_t after, double from, double to, double bytes_B, int32_t layer)
{
    uint32_t name = opgraph_string(x->g, "KV transfer");
    for (uint32_t r = 0; r < x->s->layout.ranks; r++) {
        uint32_t op = opgraph_add(x->g, &(struct op){.kind = OP_COMM,
                                                     .lane = x->lane[r],
                                                     .device = r,
                                                     .sync_group = OP_NONE,
                                                     .name = name,
                                                     .class_name = name,
                                                     .phase = name,
                                                     .layer = layer});
        opgraph_dep(x->g, after + r, op);
        add_transfers(x, r, from, to, bytes_B, op);
    }
}

uint32_t infer_kv_graph(const struct infer_step *s, const struct infer_kv *kv, struct opgraph *graph,
                        const struct infer_ops *ops)
{
    const struct infer_layout *l = &s->layout;
    struct sending x = {s, kv, graph, ARENA_ARRAY(s->arena, uint32_t, l->ranks)};
    uint32_t first = graph->n_ops;
    BUG_IF(s->program.sparse != s->sparse_layers);
    for (uint32_t r = 0; r < l->ranks; r++)
        x.lane[r] = opgraph_lane(graph);
    for (uint32_t i = 0; i < s->program.n; i++) {
        const struct infer_item *it = &s->program.items[i];
        double all = l->micro_batches * l->sequences, from = it->micro_batch * l->sequences;
        if (it->action != DO_STAGE)
            continue;
        bool caches = l->model->layer[it->layer].attention;
        if (caches && it->stage == STAGE_ATTN1 && kv->when == KV_LAYERWISE)
            add_part(&x, ops->item[i], from, from + l->sequences, layer_B(l, it->layer), (int32_t)it->layer + 1);
        if (it->stage == STAGE_HEAD && kv->when == KV_AT_END)
            add_part(&x, ops->item[i], 0, all, prompt_B(l), 0);
    }
    return first;
}
