#include "kinds/what_if.h"

#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "kinds/fork_map.h"
#include "kinds/kind_run.h"
#include "kinds/result_build.h"

/* --- resources: `by` times faster ------------------------------------------------------------------ */

static void tensor_cores(struct cluster_hw *hw, double by)
{
    hw->chip.bf16_flops *= by;
    hw->chip.fp8_flops *= by;
    hw->chip.fp4_flops *= by;
}

static void memory(struct cluster_hw *hw, double by)
{
    hw->chip.memory_Bps *= by;
}

static void nvlink(struct cluster_hw *hw, double by)
{
    hw->node.nvlink_Bps *= by;
}

static void cables(struct cluster_hw *hw, double by)
{
    hw->network.cables_ratio = (hw->network.cables_ratio > 0 ? hw->network.cables_ratio : 1) * by;
}

/* The port's rate is that of cables between switches, too, which stay what they are. */
static void nic(struct cluster_hw *hw, double by)
{
    hw->nic.bandwidth_Bps *= by;
    hw->network.port_Bps *= by;
    hw->node.pcie_Bps *= by;
    cables(hw, 1 / by);
}

static void latency(struct cluster_hw *hw, double by)
{
    double *times[] = {&hw->nic.latency_s,           &hw->node.nvlink_latency_s,    &hw->network.switch_latency_s,
                       &hw->network.copper_length_m, &hw->network.optical_length_m, &hw->ep_kernel.barrier_s};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        *times[i] /= by;
}

static void starts(struct cluster_hw *hw, double by)
{
    hw->kernels.launch_gap_s /= by;
    hw->software.launch_s /= by;
}

static void messages(struct cluster_hw *hw, double by)
{
    double *times[] = {&hw->software.network_step_s, &hw->software.message_s, &hw->software.ibgda_step_s,
                       &hw->software.ibgda_message_s};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        *times[i] /= by;
}

static void own_time(struct cluster_hw *hw, double by)
{
    hw->ep_kernel.ll_dispatch_s /= by;
    hw->ep_kernel.ll_combine_s /= by;
    hw->ep_kernel.own_speed_ratio = by;
}

static void copying(struct cluster_hw *hw, double by)
{
    hw->ep_kernel.copy_Bps_per_sm *= by;
    hw->ep_kernel.copy_speed_ratio = by;
}

static const struct resource_change {
    const char *name;
    void (*speed_up)(struct cluster_hw *hw, double by);
} changes[] = {
    {"tensor cores", tensor_cores},
    {"memory bandwidth", memory},
    {"NVLink bandwidth", nvlink},
    {"NIC, port and PCIe bandwidth", nic},
    {"cables between switches", cables},
    {"latency of network and barriers", latency},
    {"starts of kernels and collectives", starts},
    {"software per message", messages},
    {"exchange kernels' own time", own_time},
    {"copying by SMs", copying},
};

enum { N_CHANGES = sizeof changes / sizeof *changes };

/* --- running again ----------------------------------------------------------------------------------- */

struct asking {
    const char *path;
    struct scenario_options options;
    const struct scenario_kind *kind;
    const char *headline;
    const char *settled; /* what the run chose by itself stays; NULL: nothing */
};

static const struct result_metric *find_metric(const struct result *r, const char *name)
{
    for (uint32_t i = 0; i < r->n_metrics; i++)
        if (!strcmp(r->metrics[i].name, name))
            return &r->metrics[i];
    return NULL;
}

/* Cases: 0 the scenario as it is; each resource by 1 %; each by two; then the kind's own changes. */
enum { BY_1_PERCENT = 1, BY_TWO = BY_1_PERCENT + N_CHANGES, OWN = BY_TWO + N_CHANGES };

static void speed_up(const struct asking *a, struct scenario *s, uint32_t index)
{
    double by = index < BY_TWO ? 1.01 : 2;
    const struct resource_change *change = &changes[(index - BY_1_PERCENT) % N_CHANGES];
    change->speed_up(&s->cluster, by);
    if (change->speed_up == starts && a->kind->speed_up_starts)
        a->kind->speed_up_starts(s, by);
}

static int run_again(void *ctx, uint32_t index, void *answer, struct diag *diag)
{
    const struct asking *a = ctx;
    struct scenario_file file;
    struct kind_run run = {.file = &file, .arena = arena_new()};
    struct scenario_options options = a->options;
    const char **overrides = ARENA_ARRAY(run.arena, const char *, options.n_overrides + 2);
    memcpy(overrides, options.overrides, (size_t)options.n_overrides * sizeof *overrides);
    if (a->settled)
        overrides[options.n_overrides++] = a->settled;
    if (index >= OWN)
        overrides[options.n_overrides++] = a->kind->changes[index - OWN].override;
    options.overrides = overrides;
    diag_mute_warnings(diag, true); /* of a NIC twice as fast as its port, say */
    int failed = scenario_load_with(a->path, &options, run.arena, &file, diag);
    if (!failed && index >= BY_1_PERCENT && index < OWN)
        speed_up(a, file.scenario, index);
    failed = failed || kind_execute(&run, diag);
    const struct result_metric *m = failed ? NULL : find_metric(&run.result, a->headline);
    *(double *)answer = m ? m->value : NAN;
    kind_run_free(&run);
    arena_free(run.arena);
    return failed ? -1 : 0;
}

/* The first of the kind's headlines that the result has. */
static const struct result_metric *headline_of(const struct kind_run *run, const struct scenario_kind *kind)
{
    for (const char *const *name = kind->headlines; name && *name; name++)
        if (find_metric(&run->result, *name))
            return find_metric(&run->result, *name);
    return NULL;
}

static const char *const *with_quick(const struct scenario_options *o, const struct scenario_kind *kind, int *n,
                                     struct arena *arena)
{
    int n_quick = 0;
    while (kind->quick && kind->quick[n_quick])
        n_quick++;
    const char **all = ARENA_ARRAY(arena, const char *, o->n_overrides + n_quick + 1);
    for (int i = 0; i < n_quick; i++)
        all[i] = kind->quick[i];
    for (int i = 0; i < o->n_overrides; i++)
        all[n_quick + i] = o->overrides[i];
    *n = n_quick + o->n_overrides;
    return all;
}

/* --- the result ---------------------------------------------------------------------------------------- */

enum { IF_WHAT, IF_PERCENT, IF_CHANGED, IF_GAIN, N_IF };
static const struct result_column columns[N_IF] = {
    {"resource", DIM_COUNT, "one at a time, all else equal", true},
    {"gain_of_1_percent", DIM_RATIO, "of speed, for each per cent that it is faster: 1 is all, 0 nothing", false},
    {"changed", DIM_TIME, "the headline's time with twice of it, or so changed", false},
    {"gain", DIM_RATIO, "of speed by that", false},
};

/* What rounding makes of none is none. */
static double gain(double before_s, double after_s)
{
    double ratio = before_s / after_s - 1;
    return fabs(ratio) < 1e-12 ? 0 : ratio;
}

static void add_note(struct kind_run *run, const char *headline, const double *value)
{
    int most = 0, second = 0;
    double gains[N_CHANGES];
    for (int i = 0; i < N_CHANGES; i++) {
        gains[i] = gain(value[0], value[BY_1_PERCENT + i]);
        most = gains[i] > gains[most] ? i : most;
    }
    second = most ? 0 : 1;
    for (int i = 0; i < N_CHANGES; i++)
        second = i != most && gains[i] > gains[second] ? i : second;
    result_add_note(
        &run->result, run->arena,
        gains[most] < 1e-5
            ? arena_printf(run->arena, "%s is bound by none of these alone", headline)
            : arena_printf(run->arena, "%s is bound most by %s: 1 %% faster gains %.2f %%; then %s: %.2f %%", headline,
                           changes[most].name, 100 * gains[most], changes[second].name, 100 * gains[second]));
}

static uint32_t count_changes(const struct scenario_kind *kind)
{
    uint32_t n = 0;
    while (kind->changes && kind->changes[n].name)
        n++;
    return n;
}

static void add_row(struct result_table *t, const char *name, double base, double percent, double changed)
{
    struct result_cell *row = result_add_row(t);
    row[IF_WHAT].text = name;
    row[IF_PERCENT].value = isnan(percent) ? NAN : gain(base, percent) / 0.01;
    row[IF_CHANGED].value = changed;
    row[IF_GAIN].value = gain(base, changed);
}

static void add_table(struct kind_run *run, const struct asking *a, const double *value)
{
    uint32_t n_own = count_changes(a->kind);
    struct result_table *t = result_add_table(
        &run->result, run->arena, "what_if", arena_printf(run->arena, "what %s gains from one thing more", a->headline),
        columns, N_IF, N_CHANGES + n_own);
    for (int i = 0; i < N_CHANGES; i++)
        add_row(t, changes[i].name, value[0], value[BY_1_PERCENT + i], value[BY_TWO + i]);
    for (uint32_t i = 0; i < n_own; i++)
        add_row(t, a->kind->changes[i].name, value[0], NAN, value[OWN + i]);
}

int what_if_add(const char *path, const struct scenario_options *options, struct kind_run *run, struct diag *diag)
{
    const struct scenario_kind *kind = kind_find(run->file->scenario->kind);
    const struct result_metric *headline = headline_of(run, kind);
    if (!headline) {
        diag_error(diag, EXIT_USAGE, SRCLOC_NONE, "--what-if: kind %s has no one time that it could be asked of",
                   kind->name);
        return -1;
    }
    struct asking a = {
        .path = path, .options = *options, .kind = kind, .headline = headline->name, .settled = run->settled};
    uint32_t n = OWN + count_changes(kind);
    double *value = ARENA_ARRAY(run->arena, double, n);
    a.options.overrides = with_quick(options, kind, &a.options.n_overrides, run->arena);
    progress_begin("what if");
    int failed = fork_map(n, fork_map_processors(64), run_again, &a, value, sizeof *value, diag);
    progress_end();
    if (failed)
        return -1;
    add_table(run, &a, value);
    add_note(run, headline->name, value);
    if (run->settled)
        result_add_note(&run->result, run->arena,
                        arena_printf(run->arena, "what if: all with '%s', as this run chose it", run->settled));
    return 0;
}
