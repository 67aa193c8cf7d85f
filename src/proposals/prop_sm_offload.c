/* Tasks of dispatch and combine done by hardware instead of SMs, one by one (paper 4.4.1, 4.4.2): forwarding between
 * the network and NVLink, transport between buffers, reduce, layout, cast. What a task costs today is told by the
 * warps of DeepEP's kernels (hw/ep_tasks.c). */
#include <string.h>

#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    const char *tasks;
};

static const char *const tasks[] = {"forwarding", "transport", "reduce", "layout", "cast", NULL};
static const char *const keys[] = {"cluster.ep_kernel.offload.forwarding", "cluster.ep_kernel.offload.transport",
                                   "cluster.ep_kernel.offload.reduce", "cluster.ep_kernel.offload.layout",
                                   "cluster.ep_kernel.offload.cast"};

static const struct cfg_field fields[] = {ROW_TEXT(parameters, "tasks", tasks,
                                                   "forwarding+transport+reduce+layout+cast",
                                                   "tasks of forwarding, transport, reduce, layout, cast, joined by +"),
                                          {0}};
PARAMETERS("sm_offload", fields);

static void offload(struct proposal_change *c, const char *word, size_t n)
{
    for (int i = 0; tasks[i]; i++)
        if (strlen(tasks[i]) == n && !memcmp(tasks[i], word, n)) {
            proposal_set(c, keys[i], "true");
            return;
        }
    proposal_misfit(c,
                    "'%.*s' is no task; write for example tasks=forwarding+reduce (there are forwarding, "
                    "transport, reduce, layout, cast)",
                    (int)n, word);
}

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    const char *word = p->tasks;
    proposal_needs_published_kernels(c);
    do {
        size_t n = strcspn(word, "+");
        offload(c, word, n);
        word += n + (word[n] == '+');
    } while (*word);
}

const struct proposal prop_sm_offload = {
    .name = "sm_offload",
    .doc = "hardware does these tasks of dispatch and combine instead of SMs",
    .ref = "4.4.1",
    .mechanism = PROPOSAL_REWRITE,
    .parameters = &table,
    .kinds = "inference moe_exchange serving train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/train_replay_h800.yaml",
              .arguments = "tasks=forwarding+reduce",
              .metric = "makespan",
              .better = BETTER_LOWER},
    .assumption = "a task's SMs are its share of the kernel's warps",
};
