#include "io/results/model_tables.h"

struct figures {
    struct model_figure *list;
    int n;
};

static void add(struct figures *f, const char *name, double value, enum unit_dim dim, const char *doc)
{
    BUG_IF(f->n == MODEL_FIGURES);
    f->list[f->n++] = (struct model_figure){name, value, dim, doc};
}

static void add_params(const struct model *m, struct figures *f)
{
    struct model_params p = model_params(m);
    add(f, "params", p.total, DIM_COUNT, "all parameters, without MTP modules");
    add(f, "params_active", p.active, DIM_COUNT, "those that a token uses, embedding and head with them");
    add(f, "params_active_no_embedding", p.active - p.embedding, DIM_COUNT, "the same without the embedding");
    add(f, "params_embedding", p.embedding, DIM_COUNT, "input embedding");
    add(f, "params_head", p.head, DIM_COUNT, "output head; 0 when it is the embedding");
    add(f, "params_attention", p.attention, DIM_COUNT, "attention of all layers");
    add(f, "params_dense_ffn", p.dense_ffn, DIM_COUNT, "dense networks of all layers");
    add(f, "params_routed_experts", p.experts, DIM_COUNT, "routed experts of all layers");
    add(f, "params_shared_and_router", p.shared_experts_and_router, DIM_COUNT, "shared experts and routers");
    add(f, "params_norms", p.norms, DIM_COUNT, "norms between blocks, and mixing of residual streams");
    if (m->mtp_layers) {
        add(f, "params_mtp", p.mtp, DIM_COUNT, "MTP modules, without the embedding and head they share");
        add(f, "params_mtp_active", p.mtp_active, DIM_COUNT, "those of them that a token uses");
    }
}

static void add_weights(const struct model *m, struct figures *f)
{
    struct model_params p = model_params(m);
    add(f, "weights", model_stored_B(m, p.total, p.other) + model_extra_B(m), DIM_BYTES,
        "all parameters with the scales of their blocks, without MTP modules");
    if (m->mtp_layers)
        add(f, "weights_mtp", model_stored_B(m, p.mtp, p.mtp_other) + model_mtp_extra_B(m), DIM_BYTES,
            "MTP modules, likewise, without the embedding and head they share");
}

static void add_cache(const struct model *m, struct figures *f)
{
    static const struct {
        const char *name;
        double positions;
    } at[] = {{"cache_4k", 1 << 12}, {"cache_32k", 1 << 15}, {"cache_128k", 1 << 17}, {"cache_1m", 1 << 20}};
    add(f, "kv_per_token", model_kv_B(m), DIM_BYTES,
        "KV cache that a token adds at long contexts, all layers (paper Table 1)");
    if (model_index_B(m) > 0)
        add(f, "index_per_token", model_index_B(m), DIM_BYTES, "what indexers keep of it beside that");
    if (model_state_B(m) > 0)
        add(f, "state_per_sequence", model_state_B(m), DIM_BYTES, "states of linear attention of a sequence");
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        add(f, at[i].name, model_cache_B(m, at[i].positions), DIM_BYTES, "all of these of a sequence so long");
}

int model_figures(const struct model_file *file, const struct model_question *q, struct model_figure *out,
                  struct diag *diag)
{
    const struct model *m = file->model;
    struct figures f = {out, 0};
    double weights_B;
    const char *why = model_weights_B(m, &q->layout, &weights_B);
    if (why) {
        char options[128] = "";
        const uint32_t n[] = {q->layout.pp, q->layout.tp, q->layout.ep, q->layout.redundant};
        static const char *const names[] = {"--pp", "--tp", "--ep", "--redundant"};
        for (size_t i = 0, used = 0; i < 4; i++)
            if (n[i] != (i < 3)) /* what was given */
                used += (size_t)snprintf(options + used, sizeof options - used, "%s%s %u", used ? ", " : "", names[i],
                                         n[i]);
        diag_error(diag, EXIT_USAGE, SRCLOC_NONE, "%s: %s", options, why);
        return -1;
    }
    add_params(m, &f);
    add_cache(m, &f);
    add(&f, "train_flop_causal", model_train_flop(m, q->sequence, true), DIM_FLOP,
        "training on a token: 6 (active - embedding - router) + causal attention (paper Table 2)");
    add(&f, "train_flop_non_causal", model_train_flop(m, q->sequence, false), DIM_FLOP,
        "the same with attention to all positions");
    add(&f, "decode_flop", model_decode_flop(m, q->context), DIM_FLOP, "generating a token after the context, forward");
    add(&f, "decode_bytes", model_decode_B(m, q->context), DIM_BYTES,
        "read for it by a single sequence: weights that are used, and the cache");
    add_weights(m, &f);
    add(&f, "weights_per_gpu", weights_B, DIM_BYTES, "on the fullest GPU of the layout");
    return f.n;
}
