/* Phases of a replay: wall times of each layer, recorded and simulated, and bandwidths
 * of those that move tokens. */
#include "kinds/replay/replay_result_priv.h"

#include <ctype.h>
#include <math.h>

/* "dispatch(F)" and a suffix as the name of a metric: "dispatch_f_wall". */
static const char *metric_name(struct replay_analysis *a, const char *phase, const char *suffix)
{
    char *name = arena_printf(a->arena, "%s", phase);
    size_t n = 0;

    for (const char *p = phase; *p; p++)
        if (isalnum((unsigned char)*p))
            name[n++] = (char)tolower((unsigned char)*p);
        else if (n && name[n - 1] != '_')
            name[n++] = '_';
    while (n && name[n - 1] == '_')
        n--;
    name[n] = 0;
    return arena_printf(a->arena, "%s_%s", name, suffix);
}

struct wall { /* of a phase in one layer */
    double was_start_s, was_end_s, start_s, end_s;
};

static int32_t count_layers(const struct trace *t)
{
    int32_t layers = 0;

    for (uint32_t i = 0; i < t->n_kernels; i++)
        layers = t->kernels[i].layer > layers ? t->kernels[i].layer : layers;
    return layers;
}

/* First start to last end per [phase][layer - 1]. */
static struct wall *measure_walls(const struct replay_analysis *a, int32_t layers)
{
    const struct chunk_program *p = a->info->program;
    size_t n = (size_t)a->trace->n_phases * (size_t)layers;
    struct wall *walls = ARENA_ARRAY(a->arena, struct wall, n);

    for (size_t i = 0; i < n; i++)
        walls[i] = (struct wall){INFINITY, -INFINITY, INFINITY, -INFINITY};
    for (uint32_t i = 0; i < a->trace->n_kernels; i++) {
        const struct trace_kernel *k = &a->trace->kernels[i];
        if (k->phase == TRACE_NONE || k->layer < 1)
            continue;
        struct wall *w = &walls[(size_t)k->phase * (size_t)layers + (size_t)k->layer - 1];
        w->was_start_s = fmin(w->was_start_s, a->recorded[i].start_s);
        w->was_end_s = fmax(w->was_end_s, a->recorded[i].end_s);
    }
    for (uint32_t i = 0; i < p->n_kernels; i++) {
        uint32_t phase = replay_phase_ran(a, i);
        int32_t layer = p->kernels[i].layer;
        if (phase == TRACE_NONE || layer < 1 || layer > layers)
            continue;
        struct wall *w = &walls[(size_t)phase * (size_t)layers + (size_t)layer - 1];
        w->start_s = fmin(w->start_s, a->simulated[i].start_s);
        w->end_s = fmax(w->end_s, a->simulated[i].end_s);
    }
    return walls;
}

static bool comm_phase(const struct replay_analysis *a, uint32_t phase)
{
    for (uint32_t i = 0; i < a->trace->n_kernels; i++)
        if (a->trace->kernels[i].phase == phase)
            return a->recorded[i].comm;
    return false;
}

static void add_wall_metric(struct replay_analysis *a, const char *phase, const struct result_phase *mean,
                            const struct wall *walls, int32_t layers)
{
    struct result_metric *m = replay_add_metric(a, metric_name(a, phase, "wall"), mean->simulated_s, DIM_TIME,
                                                mean->recorded_s, "wall time of the phase, mean over layer pairs",
                                                "mean over layer pairs of (last end - first start)");

    for (int32_t i = 0; i < layers && i < MAX_INPUTS; i++)
        if (walls[i].end_s >= walls[i].start_s)
            replay_add_input(m, arena_printf(a->arena, "layer pair %d", i + 1), walls[i].end_s - walls[i].start_s,
                             DIM_TIME, "this run");
}

/* The rows of one phase: each layer, then the mean as layer 0. */
static void add_phase(struct replay_analysis *a, uint32_t phase, const struct wall *walls, int32_t layers)
{
    const char *name = a->trace->phases[phase];
    bool comm = comm_phase(a, phase);
    struct result_phase mean = {.name = name, .lane = comm ? "communication" : "compute"};
    uint32_t n = 0;

    for (int32_t i = 0; i < layers; i++) {
        struct result_phase row = mean;
        if (walls[i].end_s < walls[i].start_s)
            continue;
        row.layer = i + 1;
        row.start_s = walls[i].start_s;
        row.end_s = walls[i].end_s;
        row.simulated_s = row.end_s - row.start_s;
        row.recorded_s = walls[i].was_end_s - walls[i].was_start_s;
        a->out->phases[a->out->n_phases++] = row;
        n++;
    }
    if (!n)
        return;
    const struct result_phase *rows = &a->out->phases[a->out->n_phases - n];
    for (uint32_t i = 0; i < n; i++) {
        mean.simulated_s += rows[i].simulated_s / n;
        mean.recorded_s += rows[i].recorded_s / n;
    }
    mean.start_s = rows[0].start_s;
    mean.end_s = rows[n - 1].end_s;
    a->out->phases[a->out->n_phases++] = mean;
    if (comm)
        add_wall_metric(a, name, &mean, walls, layers);
}

static bool moves_tokens(uint8_t collective)
{
    return collective == COLL_DISPATCH || collective == COLL_DISPATCH_CACHED || collective == COLL_COMBINE;
}

/* Achieved bandwidth of the dispatch or combine kernels of a phase, as DeepEP quotes
 * it. */
static void add_bandwidth(struct replay_analysis *a, uint32_t phase)
{
    double bytes_B = 0, is_s = 0, was_s = 0;
    uint32_t n = 0;

    for (uint32_t i = 0; i < a->trace->n_kernels; i++)
        if (a->trace->kernels[i].phase == phase && moves_tokens(replay_collective_of(a->trace, i)))
            was_s += a->recorded[i].end_s - a->recorded[i].start_s;
    for (uint32_t i = 0; i < a->info->program->n_kernels; i++) {
        if (replay_phase_ran(a, i) != phase || a->info->logical_B[i] <= 0)
            continue;
        bytes_B += a->info->logical_B[i];
        is_s += a->simulated[i].end_s - a->simulated[i].start_s;
        n++;
    }
    if (!n || is_s <= 0 || was_s <= 0)
        return;
    struct result_metric *m = replay_add_metric(a, metric_name(a, a->trace->phases[phase], "bandwidth"), bytes_B / is_s,
                                                DIM_BANDWIDTH, bytes_B / was_s,
                                                "payload of the reference rank's copies to nodes, own node counted, "
                                                "over kernel time "
                                                "(recorded: the same bytes over the recorded time)",
                                                "bandwidth = bytes / time");
    replay_add_input(m, "bytes per kernel", bytes_B / n, DIM_BYTES, "sampled routing");
    replay_add_input(m, "time per kernel", is_s / n, DIM_TIME, "this run");
    replay_add_input(m, "SMs of the kernel", (double)a->hw->ep_kernel.sms, DIM_COUNT, "cluster.ep_kernel.sms");
    replay_add_input(m, "copy rate of an SM", a->hw->ep_kernel.copy_Bps_per_sm, DIM_BANDWIDTH,
                     "cluster.ep_kernel.copy_per_sm");
    replay_add_input(m, "NIC bandwidth", a->hw->nic.bandwidth_Bps, DIM_BANDWIDTH, "cluster.nic.bandwidth");
}

void replay_add_phases(struct replay_analysis *a)
{
    int32_t layers = count_layers(a->trace);
    struct wall *walls = measure_walls(a, layers);

    a->out->phases = ARENA_ARRAY(a->arena, struct result_phase, (size_t)a->trace->n_phases * ((size_t)layers + 1));
    for (uint32_t p = 0; p < a->trace->n_phases; p++) {
        add_phase(a, p, walls + (size_t)p * (size_t)layers, layers);
        add_bandwidth(a, p);
    }
}
