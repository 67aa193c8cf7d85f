/* Faster and more CPU cores (paper 6.2): launching kernels takes single-core speed, and cores enough that the thread
 * which launches does not wait for others. */
#include <string.h>

#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    double clock_Hz, cores_per_gpu;
};

static const struct cfg_field fields[] = {
    ROW_AMOUNT(parameters, "clock", clock_Hz, DIM_FREQUENCY, "4 GHz", 1e8, 1e11, "of a core (paper 6.2: above 4 GHz)"),
    ROW_AMOUNT(parameters, "cores_per_gpu", cores_per_gpu, DIM_RATIO, "4", 0.01, 1e4, "cores of a node over its GPUs"),
    {0}};
PARAMETERS("cpu_cores", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_set_number(c, "cluster.node.host.clock", p->clock_Hz);
    proposal_set_number(c, "cluster.node.host.cores_per_gpu", p->cores_per_gpu);
    if (strcmp(proposal_text(c, "inference.eager"), "true"))
        proposal_misfit(c, "kernels are replayed as CUDA graphs, which takes next to nothing of the CPU; give "
                           "'-s inference.eager=true'");
}

static const char *const set[] = {"inference.eager=true", "inference.simulate_layers=2", "inference.decode.batch=8",
                                  "cluster.node.host.cores_per_gpu=1", NULL};

const struct proposal prop_cpu_cores = {
    .name = "cpu_cores",
    .doc = "CPU cores of such a clock, so many per GPU",
    .ref = "6.2",
    .mechanism = PROPOSAL_PATCH,
    .parameters = &table,
    .kinds = "inference serving speculative",
    .apply = apply,
    .trial = {.scenario = "scenarios/decode_ep144.yaml", .set = set, .metric = "tpot", .better = BETTER_LOWER},
    .assumption = "no CUDA graphs, one core per GPU for four threads, 10,000 cycles a launch; with graphs, or with 12 "
                  "cores, nothing is gained",
};
