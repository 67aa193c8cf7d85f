/* Tokens are drawn once for all points of a sweep that differ in rates, latencies and the like: everything that decides which
 * expert a token goes to, where that lies, and which cables are on the way, is in the key. */
#include "kinds/infer/infer_amounts.h"

#include <math.h>
#include <string.h>

#include "base/input_files.h"
#include "base/shared_cache.h"

/* --- cables between switches ---------------------------------------------------- */

/* What crosses cables, by who receives it. */
struct crossing {
    const struct infer_fabric *f;
    double *all, *largest, *one;  /* [cables]; of the rank under way */
    uint32_t *crossed, n_crossed; /* those of it that are not 0 */
    uint32_t n;
};

static void cross(struct crossing *x, uint32_t src, uint32_t dst, double copies)
{
    size_t pair = (size_t)src * x->n + dst;
    for (uint32_t i = x->f->first[pair]; i < x->f->first[pair + 1] && copies > 0; i++) {
        uint32_t cable = x->f->links[i];
        if (x->one[cable] <= 0)
            x->crossed[x->n_crossed++] = cable;
        x->one[cable] += copies;
    }
}

static void end_rank(struct crossing *x)
{
    for (uint32_t i = 0; i < x->n_crossed; i++) {
        uint32_t cable = x->crossed[i];
        x->all[cable] += x->one[cable];
        x->largest[cable] = fmax(x->largest[cable], x->one[cable]);
        x->one[cable] = 0;
    }
    x->n_crossed = 0;
}

/* From rank to rank. */
static void cross_in_pairs(struct crossing *x, const double *copies, bool combine)
{
    for (uint32_t dst = 0; dst < x->n; dst++) {
        for (uint32_t src = 0; src < x->n; src++)
            if (src != dst)
                cross(x, src, dst, copies[combine ? (size_t)dst * x->n + src : (size_t)src * x->n + dst]);
        end_rank(x);
    }
}

/* Along the rail, once for each node. */
static void cross_on_rails(struct crossing *x, const struct infer_layout *l, const struct ep_traffic *t, bool combine)
{
    uint32_t per_node = l->ranks_per_node;
    for (uint32_t dst = 0; dst < x->n; dst++) {
        for (uint32_t m = 0; m < l->n_nodes; m++) {
            uint32_t src = m * per_node + dst % per_node, home = combine ? dst : src;
            uint32_t node = (combine ? src : dst) / per_node;
            if (m != dst / per_node)
                cross(x, src, dst, t->node_copies[(size_t)home * l->n_nodes + node]);
        }
        end_rank(x);
    }
}

/* --- where things lie ----------------------------------------------------------- */

enum { COUNTS = sizeof(struct ep_counts) / sizeof(double), REACH = sizeof(struct infer_reach) / sizeof(double) };

static void shape(const struct infer_step *s, const struct infer_fabric *fabric, struct infer_amounts *a)
{
    const struct infer_layout *l = &s->layout;
    *a = (struct infer_amounts){
        .micro_batches = s->program.micro_batches, .ranks = l->ranks, .slots = l->slots, .cables = fabric->n_links};
    a->each = 1 + REACH + a->slots + 2 * ((size_t)COUNTS * a->ranks + 2 * (size_t)a->cables);
}

struct infer_amount infer_amount_of(const struct infer_amounts *a, uint32_t i, uint32_t micro_batch)
{
    const double *at = a->all + ((size_t)i * a->micro_batches + micro_batch) * a->each;
    struct infer_amount m = {.not_heard = (uint32_t)at[0]};
    m.reach = (const void *)(at += 1);
    m.slot_rows = at += REACH;
    at += a->slots;
    for (int combine = 0; combine < 2; combine++) {
        m.counts[combine] = (const void *)at;
        m.crossing[combine] = at += (size_t)COUNTS * a->ranks;
        m.largest[combine] = at += a->cables;
        at += a->cables;
    }
    return m;
}

/* --- drawing -------------------------------------------------------------------- */

static uint32_t count_not_heard(uint32_t n, const double *pairs)
{
    uint32_t most = 0;
    for (uint32_t r = 0; r < n; r++) {
        uint32_t not_to = 0, not_from = 0;
        for (uint32_t k = 0; k < n; k++) {
            not_to += k != r && pairs[(size_t)r * n + k] <= 0;
            not_from += k != r && pairs[(size_t)k * n + r] <= 0;
        }
        most = not_to > most ? not_to : most;
        most = not_from > most ? not_from : most;
    }
    return most;
}

static void note_cables(const struct infer_layout *l, const struct infer_traffic *t, enum ep_copies copies,
                        bool combine, struct crossing *x)
{
    if (copies == EP_A_COPY_A_NODE)
        cross_on_rails(x, l, &t->to, combine);
    else
        cross_in_pairs(x, copies == EP_A_COPY_A_PAIR ? t->to.pairs : t->to.rank_copies, combine);
}

/* `at`: as infer_amount_of finds it. */
static void note(const struct infer_step *s, const struct infer_router *router, const struct infer_traffic *t,
                 const struct ep_exchange *x, struct crossing *crossing, double *at)
{
    const struct infer_layout *l = &s->layout;
    struct infer_reach reach = infer_reach_of(router, t);
    *at++ = count_not_heard(l->ranks, t->to.pairs);
    memcpy(at, &reach, sizeof reach);
    memcpy(at += REACH, t->slot_rows, l->slots * sizeof *at);
    at += l->slots;
    for (int combine = 0; combine < 2; combine++) {
        ep_count_copies(x[combine].cost.copies, &t->to, (struct ep_counts *)at);
        crossing->all = at += (size_t)COUNTS * l->ranks;
        crossing->largest = at += crossing->f->n_links;
        at += crossing->f->n_links;
        if (crossing->f->n_links)
            note_cables(l, t, x[combine].cost.copies, combine, crossing);
    }
}

static double *draw(const struct infer_step *s, const struct ep_exchange *x, struct infer_fabric *fabric,
                    const struct infer_amounts *a, struct arena *arena)
{
    double *all = ARENA_ARRAY(arena, double, a->each * s->program.sparse * a->micro_batches), *at = all;
    struct crossing crossing = {.f = fabric, .n = a->ranks};
    struct infer_router router;
    struct infer_traffic traffic;
    infer_fabric_route(fabric, arena);
    crossing.one = ARENA_ARRAY(arena, double, a->cables + 1);
    crossing.crossed = ARENA_ARRAY(arena, uint32_t, a->cables + 1);
    infer_router_init(&router, &s->layout, s->gate, arena);
    infer_traffic_new(&s->layout, arena, &traffic);
    for (uint32_t i = 0; i < s->program.sparse; i++) {
        uint32_t layer = s->program.sparse_layer[i];
        infer_router_layer(&router, layer);
        for (uint32_t mb = 0; mb < a->micro_batches; mb++, at += a->each) {
            infer_traffic_draw(&router, layer, mb, &traffic);
            note(s, &router, &traffic, x, &crossing, at);
        }
    }
    infer_router_free(&router);
    return all;
}

/* --- shared --------------------------------------------------------------------- */

static const char *hash_of(const void *data, size_t n_bytes, struct arena *arena)
{
    char text[SHA256_TEXT];
    sha256_text(data, n_bytes, text);
    return arena_strdup(arena, text);
}

static const char *loads_text(const struct infer_layout *l, struct arena *arena)
{
    const struct expert_load_cfg *e = l->expert_load;
    const struct load_rows *rows = e->skew == SKEW_FILE ? l->load_rows : NULL;
    return arena_printf(arena, "loads %d, cv %a, zipf %a, range %a, file %s, redundant %lld, balance %d", e->skew,
                        e->cv_ratio, e->zipf_exponent, e->range,
                        rows ? hash_of(rows->load, (size_t)rows->layers * rows->experts * sizeof *rows->load, arena)
                             : "",
                        (long long)e->redundant, e->balance);
}

/* Their numbers, and which of the layers with experts they are. */
static const char *layers_hash(const struct infer_step *s, struct arena *arena)
{
    const struct infer_program *p = &s->program;
    uint32_t *numbers = ARENA_ARRAY(arena, uint32_t, 2 * p->sparse + 1);
    numbers[0] = model_first_sparse(s->layout.model);
    for (uint32_t i = 0; i < p->sparse; i++) {
        numbers[1 + 2 * i] = p->sparse_layer[i];
        numbers[2 + 2 * i] = model_sparse_index(s->layout.model, p->sparse_layer[i]);
    }
    return hash_of(numbers, (2 * p->sparse + 1) * sizeof *numbers, arena);
}

static const char *key_of(const struct infer_step *s, const struct ep_exchange *x, const struct infer_fabric *fabric,
                          struct arena *arena)
{
    const struct infer_layout *l = &s->layout;
    const struct expert_facts *e = &l->model->experts;
    const struct infer_program *p = &s->program;
    return arena_printf(
        arena,
        "%u ranks, %u of %u nodes, %u of %u places, %u of a rank, %u micro-batches, tokens %a, routing %d, shared "
        "%lld, "
        "%lld experts, %lld of a token, %lld of %lld groups, seed %llu, layers %s, copies %d %d, %s, %s",
        l->ranks, l->ranks_per_node, l->n_nodes, l->routed_slots, l->slots, l->slots_per_rank, p->micro_batches,
        l->tokens, l->cfg->routing, (long long)l->cfg->shared_replicas, (long long)e->routed, (long long)e->top_k,
        (long long)e->top_groups, (long long)e->groups, (unsigned long long)s->gate->seed, layers_hash(s, arena),
        x[0].cost.copies, x[1].cost.copies, loads_text(l, arena), fabric->routes);
}

void infer_amounts_find(const struct infer_step *s, const struct ep_exchange *x, struct infer_fabric *fabric,
                        struct arena *arena, struct infer_amounts *out)
{
    shape(s, fabric, out);
    size_t n_bytes = out->each * s->program.sparse * out->micro_batches * sizeof *out->all;
    out->key = shared_cache_B() ? key_of(s, x, fabric, arena) : NULL;
    out->all = out->key ? shared_cache_get("amounts", out->key, n_bytes) : NULL;
    if (out->all)
        return;
    out->all = draw(s, x, fabric, out, arena);
    if (out->key)
        shared_cache_put("amounts", out->key, out->all, n_bytes);
}
