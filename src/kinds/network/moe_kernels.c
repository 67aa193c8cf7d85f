/* Rows of moe.exchange: each kernel with each group and number of tokens, dispatch and combine.
 *
 * Bandwidths are logical, of a GPU: bytes of all copies over time, its own included: copies to nodes where the group has
 * several and the kernel sends one a node, (token, expert) pairs for kernels that send those, else copies to ranks. */
#include "kinds/network/moe_kernels.h"

#include <math.h>
#include <string.h>

#include "kinds/expert_loads.h"
#include "kinds/lists.h"
#include "kinds/network/comm_time.h"
#include "kinds/network/moe_cfg.h"
#include "kinds/result_build.h"
#include "models/comm/wire_format.h"

struct plan {
    const struct ep_kernel_type **kernels;
    uint32_t *gpus, *tokens, n_kernels, n_gpus, n_tokens;
    double *published[2]; /* [combine][row] or NaN */
    uint32_t n_published[2];
};

bool moe_kernels_asked(const struct scenario *s)
{
    return *moe_cfg(s)->exchange.gpus;
}

static int find_kernels(const struct scenario_file *file, const char *text, struct arena *arena, struct plan *p,
                        struct diag *diag)
{
    const char *own = file->scenario->cluster.ep_kernel.kernel;
    if (!*text)
        text = strcmp(own, "auto") ? own : "deepep_normal, deepep_low_latency";
    const char **items = list_items(text, arena, &p->n_kernels), **names = ARENA_ARRAY(arena, const char *, 64);
    uint32_t n = 0;
    for (const struct ep_kernel_type *const *k = ep_kernel_all(); *k; k++)
        names[n++] = (*k)->name;
    p->kernels = ARENA_ARRAY(arena, const struct ep_kernel_type *, p->n_kernels + 1);
    for (uint32_t i = 0; i < p->n_kernels; i++) {
        p->kernels[i] = ep_kernel_find(items[i]);
        const char *near = p->kernels[i] ? NULL : cfg_nearest(items[i], names);
        if (!p->kernels[i])
            REPORT("moe.exchange.kernels", "unknown kernel '%.40s'%s%s%s; 'moesim list ep_kernels' lists them",
                   items[i], near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return diag_failed(diag) ? -1 : 0;
}

static int make_plan(const struct scenario_file *file, struct arena *arena, struct plan *p, struct diag *diag)
{
    const struct moe_kernels *x = &moe_cfg(file->scenario)->exchange;
    *p = (struct plan){0};
    if (find_kernels(file, x->kernels, arena, p, diag) ||
        list_counts(file, "moe.exchange.gpus", x->gpus, arena, &p->gpus, &p->n_gpus, diag) ||
        list_counts(file, "moe.exchange.tokens", x->tokens, arena, &p->tokens, &p->n_tokens, diag))
        return -1;
    return diag_failed(diag) ||
                   list_quantities(file, "moe.exchange.dispatch_published", x->dispatch_published, DIM_TIME, arena,
                                   &p->published[0], &p->n_published[0], diag) ||
                   list_quantities(file, "moe.exchange.combine_published", x->combine_published, DIM_TIME, arena,
                                   &p->published[1], &p->n_published[1], diag)
               ? -1
               : 0;
}

/* --- traffic ---------------------------------------------------------------------------------------------- */

/* One group of experts per node, of which a token uses as many as the routing says. */
static struct ep_choices choices_of(const struct scenario *s, uint32_t gpus, uint32_t tokens)
{
    const struct routing_cfg *r = &moe_cfg(s)->routing;
    int64_t nodes = (gpus + s->cluster.node.gpus - 1) / s->cluster.node.gpus;
    bool limited = r->groups_per_token < nodes && r->experts % nodes == 0;
    return (struct ep_choices){.choice = (enum ep_choice)moe_cfg(s)->exchange.choice,
                               .experts = r->experts,
                               .top_k = r->experts_per_token,
                               .groups = limited ? nodes : 1,
                               .top_groups = limited ? r->groups_per_token : 1,
                               .tokens = tokens,
                               .seed = (uint64_t)s->sim.seed};
}

/* As the loads of experts say, whose places and replicas are those of expert_load. */
static int count_loads(struct kind_run *run, const struct ep_group *g, const struct ep_choices *c,
                       struct ep_traffic *out, struct diag *diag)
{
    const struct scenario *s = run->file->scenario;
    struct routing_cfg cfg = moe_cfg(s)->routing;
    struct expert_loads loads;
    struct gate_choices chosen;
    struct placement where;
    cfg.groups = c->groups;
    cfg.groups_per_token = c->top_groups;
    struct routing_shape shape = {.cfg = &cfg,
                                  .n_ranks = g->ranks,
                                  .ranks_per_node = c->groups > 1 ? (uint32_t)(g->ranks / c->groups) : g->ranks,
                                  .n_nodes = (uint32_t)c->groups,
                                  .redundant = (uint32_t)s->expert_load.redundant};
    struct placement_shape places = {(uint32_t)cfg.experts, shape.redundant, (uint32_t)cfg.groups, g->ranks,
                                     shape.n_nodes};
    if (expert_loads_open(run->file, (uint32_t)cfg.experts, (uint32_t)cfg.experts_per_token, 1, run->arena, &loads,
                          diag))
        return -1;
    const double *load = expert_loads_of(&loads, 0, run->arena);
    gate_choose(&shape, routing_pool_new(&shape, loads.seed, run->arena), load, loads.seed, 0, run->arena, &chosen);
    placement_make(&places, (enum balance)s->expert_load.balance, load, run->arena, &where);
    ep_traffic_count(g, &chosen, (uint32_t)cfg.experts_per_token, &where, (uint32_t)c->tokens, loads.seed, run->arena,
                     out);
    return 0;
}

static int make_traffic(struct kind_run *run, uint32_t gpus, uint32_t tokens, struct ep_traffic *out, struct diag *diag)
{
    const struct scenario *s = run->file->scenario;
    struct ep_group g = {.ranks = gpus, .gpus_per_node = (uint32_t)s->cluster.node.gpus};
    struct ep_choices c = choices_of(s, gpus, tokens);
    if (moe_cfg(s)->exchange.choice == MOE_LOADS)
        return count_loads(run, &g, &c, out, diag);
    ep_traffic_make(&g, &c, run->arena, out);
    return 0;
}

static struct ep_call call_of(const struct scenario *s, const struct ep_traffic *t, enum ep_phase phase,
                              uint32_t tokens)
{
    const struct routing_cfg *r = &moe_cfg(s)->routing;
    const struct hw_ep_kernel *k = &s->cluster.ep_kernel;
    return (struct ep_call){.hw = &s->cluster,
                            .traffic = t,
                            .phase = phase,
                            .tokens = tokens,
                            .hidden = r->hidden,
                            .top_k = r->experts_per_token,
                            .experts = r->experts + s->expert_load.redundant,
                            .sms = (double)k->sms,
                            .format = phase == EP_COMBINE ? k->combine_format : k->dispatch_format};
}

/* --- check ------------------------------------------------------------------------------------------------ */

static void check_group(const struct scenario_file *file, const struct plan *p, uint32_t gpus, struct arena *arena,
                        struct diag *diag)
{
    const struct scenario *s = file->scenario;
    struct ep_group g = {.ranks = gpus, .gpus_per_node = (uint32_t)s->cluster.node.gpus};
    struct ep_choices c = choices_of(s, gpus, 1);
    struct ep_traffic traffic;
    char why[300];
    c.choice = EP_UNIFORM;
    c.groups = c.top_groups = 1;
    if (gpus > s->cluster.nodes * s->cluster.node.gpus) {
        REPORT("moe.exchange.gpus", "%u GPUs, of a cluster of %lld (cluster.nodes)", gpus,
               (long long)(s->cluster.nodes * s->cluster.node.gpus));
        return;
    }
    ep_traffic_make(&g, &c, arena, &traffic);
    for (uint32_t k = 0; k < p->n_kernels; k++)
        for (int phase = EP_DISPATCH; phase <= EP_COMBINE; phase++) {
            struct ep_call call = call_of(s, &traffic, (enum ep_phase)phase, 1);
            if (phase == EP_DISPATCH && ep_misfit(p->kernels[k], &call, why, sizeof why))
                REPORT("moe.exchange.gpus", "%s: %s", p->kernels[k]->name, why);
        }
}

void moe_kernels_check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    struct plan p;
    if (!moe_kernels_asked(s) || make_plan(file, arena, &p, diag))
        return;
    for (uint32_t g = 0; g < p.n_gpus; g++)
        check_group(file, &p, p.gpus[g], arena, diag);
}

/* --- run -------------------------------------------------------------------------------------------------- */

enum {
    COL_KERNEL,
    COL_PHASE,
    COL_GPUS,
    COL_TOKENS,
    COL_TIME,
    COL_BANDWIDTH,
    COL_RANKS,
    COL_NODES,
    COL_BUSIEST,
    COL_PUBLISHED,
    COL_DIFF,
    COL_CONSTANTS,
    N_COL
};
static const struct result_column columns[N_COL] = {
    {"kernel", DIM_COUNT, "moesim list ep_kernels", true},
    {"phase", DIM_COUNT, "dispatch or combine", true},
    {"gpus", DIM_COUNT, "expert-parallel group", false},
    {"tokens", DIM_COUNT, "of each GPU", false},
    {"time", DIM_TIME, "until the slowest GPU is done", false},
    {"bandwidth", DIM_BANDWIDTH, "logical, per GPU: bytes of all copies, its own included, over time", false},
    {"ranks_per_token", DIM_RATIO, "GPUs that a token goes to", false},
    {"nodes_per_token", DIM_RATIO, "nodes that a token goes to, its own counted", false},
    {"busiest", DIM_RATIO, "pairs that the busiest GPU's experts get over the mean", false},
    {"published", DIM_TIME, "measured", false},
    {"difference", DIM_RATIO, "time / published - 1", false},
    {"constants", DIM_COUNT, "what the kernel's numbers were measured with", true},
};

static const char *constants_of(const struct kind_run *run, const struct ep_kernel_type *k)
{
    const struct hw_ep_kernel *hw = &run->file->scenario->cluster.ep_kernel;
    const struct hw_ep_constants *c = ep_constants(k, hw);
    return ep_measured_here(k, hw) ? c->software
                                   : arena_printf(run->arena, "those of %s: not validated here", c->software);
}

static int run_row(struct kind_run *run, const struct plan *p, const struct ep_kernel_type *k,
                   const struct ep_traffic *traffic, enum ep_phase phase, uint32_t tokens, struct result_table *t,
                   struct diag *diag)
{
    const struct scenario *s = run->file->scenario;
    struct ep_call call = call_of(s, traffic, phase, tokens);
    struct comm_place place = {&s->cluster, traffic->group.ranks};
    struct comm_exchange x = {.kernel = k,
                              .traffic = traffic,
                              .phase = phase,
                              .choices = choices_of(s, traffic->group.ranks, tokens),
                              .hidden = call.hidden,
                              .sms = call.sms,
                              .format = call.format};
    double time_s;
    x.choices.experts = call.experts;
    if (comm_exchange_s(&place, &x, &time_s, diag))
        return -1;
    uint32_t pair = t->n_rows / 2;
    struct result_cell *row = result_add_row(t);
    row[COL_KERNEL].text = k->name;
    row[COL_PHASE].text = ep_phase_names[phase];
    row[COL_GPUS].value = traffic->group.ranks;
    row[COL_TOKENS].value = tokens;
    row[COL_TIME].value = time_s;
    row[COL_BANDWIDTH].value = tokens * ep_logical_copies(k, &call) * wire_format_B(call.format, call.hidden) / time_s;
    row[COL_RANKS].value = traffic->ranks_per_token;
    row[COL_NODES].value = traffic->nodes_per_token;
    row[COL_BUSIEST].value = traffic->busiest_ratio;
    row[COL_PUBLISHED].value = pair < p->n_published[phase] ? p->published[phase][pair] : NAN;
    row[COL_DIFF].value = time_s / row[COL_PUBLISHED].value - 1;
    row[COL_CONSTANTS].text = constants_of(run, k);
    return 0;
}

static void add_metrics(struct kind_run *run, const struct result_table *t)
{
    double worst = -1;
    for (uint32_t r = 0; r < t->n_rows; r++)
        if (isfinite(t->cells[(size_t)r * N_COL + COL_DIFF].value))
            worst = fmax(worst, fabs(t->cells[(size_t)r * N_COL + COL_DIFF].value));
    for (int phase = EP_DISPATCH; phase <= EP_COMBINE; phase++)
        result_add_metric(&run->result, run->arena, arena_printf(run->arena, "exchange_%s_time", ep_phase_names[phase]),
                          t->cells[(size_t)(t->n_rows - 2 + (uint32_t)phase) * N_COL + COL_TIME].value, DIM_TIME,
                          arena_printf(run->arena, "%s of the table's last row", ep_phase_names[phase]),
                          "launch + flags + the slowest GPU's copies + what follows them");
    if (worst >= 0)
        result_add_metric(&run->result, run->arena, "exchange_error", worst, DIM_RATIO,
                          "largest deviation of a row from the published one", "max |difference|");
}

int moe_kernels_run(struct kind_run *run, struct diag *diag)
{
    struct plan p;
    if (!moe_kernels_asked(run->file->scenario))
        return 0;
    if (make_plan(run->file, run->arena, &p, diag))
        return -1;
    struct result_table *t = result_add_table(&run->result, run->arena, "exchange", "kernels of expert parallelism",
                                              columns, N_COL, 2 * p.n_kernels * p.n_gpus * p.n_tokens);
    for (uint32_t k = 0; k < p.n_kernels; k++)
        for (uint32_t g = 0; g < p.n_gpus; g++)
            for (uint32_t n = 0; n < p.n_tokens; n++) {
                struct ep_traffic traffic;
                if (make_traffic(run, p.gpus[g], p.tokens[n], &traffic, diag))
                    return -1;
                for (int phase = EP_DISPATCH; phase <= EP_COMBINE; phase++)
                    if (run_row(run, &p, p.kernels[k], &traffic, (enum ep_phase)phase, p.tokens[n], t, diag))
                        return -1;
            }
    add_metrics(run, t);
    return 0;
}
