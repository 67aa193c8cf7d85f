/* Topology and simulation as every kind of scenario does them. */
#include "kinds/kind_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "kinds/cost.h"
#include "kinds/fork_map.h"
#include "kinds/known_sim.h"
#include "kinds/result_build.h"
#include "models/comm/deepep.h"
#include "topology/faults.h"
#include "topology/routing.h"

int kind_topology(struct kind_run *run, const struct cluster_hw *hw, struct topology **out, struct diag *diag)
{
    struct topology *t = ARENA_NEW(run->arena, struct topology);
    *out = t;
    return topology_build(t, hw, run->arena, diag);
}

static int add_faults(struct kind_run *run, const struct topology *topo, const struct hw_faults *faults,
                      struct diag *diag)
{
    struct fault_link *links;
    uint32_t n;
    if (faults_links(topo, faults->down, run->scratch, &links, &n, diag) || (n && routing_check_faults(topo, diag)))
        return -1;
    struct link_event *events = ARENA_ARRAY(run->scratch, struct link_event, 2 * n + 1);
    bool comes_back = faults->lasts_s > 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t link = links[i].link;
        events[i] =
            (struct link_event){.time_s = faults->at_s, .link = link, .fails = !comes_back, .sweep = links[i].item};
        events[n + i] = (struct link_event){
            .time_s = faults->at_s + faults->lasts_s, .link = link, .capacity_Bps = topo->links[link].capacity_Bps};
    }
    run->spec.events = events;
    run->spec.n_events = comes_back ? 2 * n : n;
    return 0;
}

void kind_begin(struct kind_run *run, const struct topology *topo)
{
    kind_run_free(run);
    run->scratch = arena_new();
    run->graph = opgraph_new(topo->n_endpoints);
}

const char *kind_exchange_text(const struct ep_kernel_type *k, const struct cluster_hw *hw, struct arena *arena)
{
    return arena_printf(arena, "exchanges by %s (%s), constants: %s", k->name, k->software,
                        ep_constants_text(k, &hw->ep_kernel, arena));
}

static uint32_t leaves_from(const void *topo, uint32_t src, uint32_t dst)
{
    return topology_leaves_from(topo, src, dst);
}

struct ep_rails kind_rails(const struct topology *topo, const struct cluster_hw *hw)
{
    return topology_nics_meet(hw) ? (struct ep_rails){NULL, NULL} : (struct ep_rails){leaves_from, topo};
}

static int simulate_or_know(struct kind_run *run, struct diag *diag)
{
    const char *key = known_sim_key(run);
    if (key && known_sim_get(run, key))
        return 0;
    if (sim_run(&run->spec, run->scratch, &run->outcome, diag))
        return -1;
    if (key)
        known_sim_put(run, key);
    return 0;
}

int kind_simulate(struct kind_run *run, const struct topology *topo, const struct cluster_hw *hw, struct diag *diag)
{
    const struct sim_cfg *sim = &run->file->scenario->sim;
    proposal_stack_rewrite(run->file->proposals, &(struct proposal_work){run->graph, topo, hw, run->scratch});
    opgraph_check(run->graph);
    run->spec = (struct sim_spec){.graph = run->graph,
                                  .topo = topo,
                                  .hw = hw,
                                  .net = (enum net_kind)(run->compare_fluid ? NET_FLOW : sim->network),
                                  .net_at = cfg_where(run->file->cfg, "sim.network"),
                                  .epsilon = sim->epsilon,
                                  .routing = topology_routing(hw),
                                  .seed = (uint64_t)sim->seed + run->seed_offset,
                                  .sm_per_device = (double)hw->chip.sms,
                                  .checked = sim->checked,
                                  .limits = run->critical != NULL,
                                  .tick = progress_tick};
    if (add_faults(run, topo, &hw->faults, diag))
        return -1;
    if (run->before && run->before(run->ctx, &run->spec, diag))
        return -1;
    if (simulate_or_know(run, diag))
        return -1;
    bool windows = run->spec.net == NET_FLOW && run->spec.epsilon > 0;
    if (windows && run->spec.checked && epsilon_error_measure(&run->epsilon, &run->spec, &run->outcome, diag))
        return -1;
    if (run->critical)
        critical_path_add(run->critical, &run->spec, &run->outcome, run->arena);
    return 0;
}

double kind_optical_J(const struct kind_run *run, const struct topology *topo, const struct cluster_hw *hw)
{
    double bits = 0;
    for (uint32_t i = 0; i < run->graph->n_transfers; i++) {
        const struct transfer *t = &run->graph->transfers[i];
        uint32_t links[ROUTE_MAX_LINKS], n = t->src == t->dst ? 0 : topology_route(topo, t->src, t->dst, links);
        for (uint32_t k = 0; k < n; k++)
            bits += topo->links[links[k]].kind > LINK_NIC ? 8 * t->bytes_B : 0;
    }
    return bits * hw->network.optical_J_per_bit;
}

enum { COL_RESOURCE, COL_TIME, COL_SHARE, N_COL };
static const struct result_column path_columns[N_COL] = {
    {"resource", DIM_COUNT, "what the run waited for", true},
    {"time", DIM_TIME, "on the chain of ops that ends last, over all simulations of the run", false},
    {"share", DIM_RATIO, "of that chain", false},
};

static int by_time(const void *a, const void *b)
{
    const struct path_share *x = a, *y = b;
    return (x->time_s < y->time_s) - (x->time_s > y->time_s);
}

static void add_critical_path(struct kind_run *run)
{
    const struct critical_path *p = run->critical;
    qsort(p->shares, p->n, sizeof *p->shares, by_time);
    struct result_table *t = result_add_table(&run->result, run->arena, "critical_path", "what the run waited for",
                                              path_columns, N_COL, p->n);
    for (uint32_t i = 0; i < p->n; i++) {
        struct result_cell *row = result_add_row(t);
        row[COL_RESOURCE].text = p->shares[i].resource;
        row[COL_TIME].value = p->shares[i].time_s;
        row[COL_SHARE].value = p->shares[i].time_s / critical_path_total_s(p);
    }
}

static bool is_listed(const char *names, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = names; (at = strstr(at, name)); at += n)
        if ((at == names || at[-1] == ' ') && (!at[n] || at[n] == ' '))
            return true;
    return false;
}

/* A bound of two events is none of the time between them. */
static void leave_out_between(struct kind_run *run, const char *between)
{
    struct result *r = &run->result;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->n_metrics; i++)
        if (!is_listed(between, r->metrics[i].name))
            r->metrics[kept++] = r->metrics[i];
    if (kept < r->n_metrics)
        result_add_note(r, run->arena,
                        arena_printf(run->arena,
                                     "lower bounds (sim.network=bound); times between two events have none and are "
                                     "left out: %s",
                                     between));
    r->n_metrics = kept;
}

/* Kinds that read no hardware have its default. */
static void note_basis(struct kind_run *run)
{
    const struct hw_chip *chip = &run->file->scenario->cluster.chip;
    if (chip->basis == HW_BASIS_DATA_SHEET)
        result_add_note(
            &run->result, run->arena,
            arena_printf(run->arena,
                         "unvalidated: the numbers of %s are from public figures (cluster.chip.basis); what "
                         "was measured on other chips is moved",
                         chip->name));
}

/* Constants of tables and rooflines that a chip with kernels of its own has no use for. */
static void warn_of_constants(const struct kind_run *run, struct diag *diag)
{
    const struct kernel_origins *o = run->origins;
    const struct {
        const char *table;
        bool used;
    } tables[] = {{"cluster.kernels.gemm", o->gemm_constants},
                  {"cluster.kernels.gemm_bf16", o->gemm_constants},
                  {"cluster.kernels.attention", o->attention_constants},
                  {"cluster.kernels.tensor", o->gemm_constants || o->attention_constants},
                  {"cluster.kernels.memory", o->attention_constants}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables && o->n; i++) {
        const char *key = tables[i].used ? NULL : cfg_given_below(run->file->cfg, tables[i].table);
        if (key)
            diag_warning(diag, cfg_where(run->file->cfg, key),
                         "'%s' changes nothing here: every such kernel of this run has constants fitted to its own "
                         "measurements (cluster.kernels.tables)",
                         key);
    }
}

/* A GPU posts another's message only where NICs of different rails do not meet, or its own as software.initiator says. */
static void warn_of_posting(const struct kind_run *run, const struct scenario_kind *kind, struct diag *diag)
{
    static const char key[] = "cluster.software.ibgda_step";
    const struct cluster_hw *hw = &run->file->scenario->cluster;
    struct cfg_leaf_state networks = {0};
    bool several =
        kind->networks && cfg_state(run->file->cfg, kind->networks, &networks) && **(const char *const *)networks.value;
    bool read = !topology_nics_meet(hw) || hw->software.initiator == INITIATOR_IBGDA || several;
    if (!read && kind_reads_key(kind, key) && cfg_is_own(run->file->cfg, key))
        diag_warning(diag, cfg_where(run->file->cfg, key),
                     "'%s' changes nothing here: on topology %s every NIC reaches every other, so no GPU posts "
                     "another's messages (cluster.software.initiator is not ibgda)",
                     key, hw->topology);
}

static void note_origins(struct kind_run *run)
{
    const struct hw_chip *chip = &run->file->scenario->cluster.chip;
    const char *text = kernel_origins_text(run->origins, &run->file->scenario->cluster, run->arena);
    if (text)
        result_add_note(&run->result, run->arena, arena_printf(run->arena, "times of kernels: %s", text));
    const char *software = kernel_origins_software(run->origins, run->arena);
    if (software)
        result_add_note(&run->result, run->arena, software);
    if (run->origins->n && chip->fp8_flops <= chip->bf16_flops)
        result_add_note(&run->result, run->arena,
                        arena_printf(run->arena,
                                     "the %s multiplies FP8 no faster than BF16 (cluster.chip.fp8): what is called FP8 "
                                     "here is stored so",
                                     chip->name));
}

int kind_execute(struct kind_run *run, struct diag *diag)
{
    const struct scenario_kind *kind = kind_find(run->file->scenario->kind);
    BUG_IF(!kind); /* scenario_load has found it */
    run->origins = ARENA_NEW(run->arena, struct kernel_origins);
    if (kind->run(run, diag))
        return -1;
    if (kind->between && run->file->scenario->sim.network == NET_BOUND)
        leave_out_between(run, kind->between);
    kind_cost_add(run);
    note_origins(run);
    note_basis(run);
    warn_of_constants(run, diag);
    warn_of_posting(run, kind, diag);
    if (run->critical)
        add_critical_path(run);
    if (run->epsilon.n)
        result_add_note(&run->result, run->arena, epsilon_error_text(&run->epsilon, run->arena));
    return proposal_stack_check_consumed(run->file->proposals, diag);
}

void kind_check_sets(const struct scenario_file *file, int64_t nodes, struct diag *diag)
{
    const struct cluster_hw *hw = &file->scenario->cluster;
    if (deepep_needs_sets(&hw->ep_kernel) && (nodes > ROUTING_MAX_SET || hw->node.gpus > ROUTING_MAX_SET))
        diag_error(diag, EXIT_BAD_INPUT,
                   scenario_place(file, hw->ep_kernel.multicast ? "cluster.ep_kernel.multicast"
                                                                : "cluster.ep_kernel.reduction"),
                   "in-network multicast and reduction are for %d nodes of %d GPUs at most", ROUTING_MAX_SET,
                   ROUTING_MAX_SET);
    if (deepep_needs_sets(&hw->ep_kernel) && topology_is_switchless(hw))
        diag_error(diag, EXIT_BAD_INPUT,
                   scenario_place(file, hw->ep_kernel.multicast ? "cluster.ep_kernel.multicast"
                                                                : "cluster.ep_kernel.reduction"),
                   "topology %s has no switches that could copy tokens or add them up", hw->topology);
}

void kind_refuse(const struct scenario_file *file, const char *const *keys, const char *why, struct diag *diag)
{
    for (; *keys; keys++) {
        struct srcloc where = cfg_where(file->cfg, *keys);
        if (where.file)
            diag_error(diag, EXIT_BAD_INPUT, where, "'%s' changes nothing: %s", *keys, why);
    }
}

uint32_t kind_at_once(const struct kind_run *run, uint32_t most)
{
    return run->keeps_last || run->critical ? 0 : fork_map_processors(most);
}

void kind_run_free(struct kind_run *run)
{
    opgraph_free(run->graph);
    arena_free(run->scratch);
    run->graph = NULL;
    run->scratch = NULL;
    run->spec = (struct sim_spec){0};
}
