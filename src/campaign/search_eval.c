#include "campaign/search_eval.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "campaign/search_cost.h"
#include "io/kind.h"
#include "kinds/fork_map.h"
#include "kinds/kind_run.h"

struct evaluating {
    const struct search_evaluation *e;
    struct search_node *const *nodes;
};

static const struct result_metric *metric_of(const struct result *r, const char *name)
{
    for (uint32_t i = 0; i < r->n_metrics; i++)
        if (!strcmp(r->metrics[i].name, name))
            return &r->metrics[i];
    return NULL;
}

/* What stands beside a result's own metrics. */
static bool take_ours(const char *name, const struct kind_run *run, double *value, int *dim)
{
    const struct cluster_hw *hw = &run->file->scenario->cluster;
    const struct result_metric *memory = metric_of(&run->result, "memory");
    if (!strcmp(name, SEARCH_MEMORY)) {
        *value = memory ? memory->value / hw->chip.memory_B : NAN;
        *dim = memory ? DIM_RATIO : -1;
        return true;
    }
    if (strcmp(name, SEARCH_NETWORK_COST) != 0)
        return false;
    *value = search_network_cost(hw);
    *dim = isnan(*value) ? -1 : DIM_MONEY;
    return true;
}

static void take_metrics(const struct search_evaluation *e, const struct kind_run *run, struct search_answer *to)
{
    for (uint32_t i = 0; i < e->n_metrics; i++) {
        const struct result_metric *m = metric_of(&run->result, e->metrics[i]);
        if (take_ours(e->metrics[i], run, &to->metric[i], &to->dim[i]))
            continue;
        to->metric[i] = m ? m->value : NAN;
        to->dim[i] = m ? (int)m->dim : -1;
    }
}

static void note_why(struct search_answer *to, struct diag *diag)
{
    snprintf(to->why, sizeof to->why, "%.*s", (int)strcspn(diag_text(diag), "\n"), diag_text(diag));
}

static void run_node(const struct search_evaluation *e, const char *const *set, int n, struct search_answer *to)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct scenario_file file;
    struct kind_run run = {.file = &file, .arena = arena};
    diag_mute_warnings(diag, true);
    if (!scenario_load(e->space->d->path, set, n, arena, &file, diag) && !kind_execute(&run, diag)) {
        to->state = SEARCH_FOUND;
        take_metrics(e, &run, to);
    }
    note_why(to, diag);
    kind_run_free(&run);
    diag_free(diag);
    arena_free(arena);
}

/* What the scenario's own checks say, whatever the network model. */
static bool is_valid(const char *path, const char *const *set, int n, struct arena *arena, struct search_answer *to)
{
    struct diag *diag = diag_new();
    struct scenario_file file;
    diag_mute_warnings(diag, true);
    bool valid = !scenario_load(path, set, n, arena, &file, diag);
    note_why(to, diag);
    diag_free(diag);
    return valid;
}

/* Keys that network model bound does not read are an error beside it, unless a file gives them. */
static int only_read_by_bound(const char **set, int n)
{
    static const char *const others[] = {"sim.network=", "sim.epsilon=", "sim.checked=", "cluster.packet."};
    int kept = 0;
    for (int i = 0; i < n; i++) {
        bool is_other = false;
        for (size_t k = 0; k < sizeof others / sizeof *others; k++)
            is_other |= !strncmp(set[i], others[k], strlen(others[k]));
        if (!is_other)
            set[kept++] = set[i];
    }
    return kept;
}

static int evaluate_one(void *ctx, uint32_t index, void *answer, struct diag *diag)
{
    const struct evaluating *x = ctx;
    const struct search_evaluation *e = x->e;
    struct search_answer *to = answer;
    struct arena *arena = arena_new();
    int n;
    const char **set = search_overrides(e->space, x->nodes[index]->at, e->at_worst, &n, arena);
    to->state = is_valid(e->space->d->path, set, n, arena, to) ? SEARCH_UNKNOWN : SEARCH_INVALID;
    if (to->state == SEARCH_UNKNOWN && !e->at_worst) {
        if (e->bound) {
            n = only_read_by_bound(set, n);
            set[n++] = "sim.network=bound";
        }
        run_node(e, set, n, to);
    }
    arena_free(arena);
    (void)diag;
    return 0;
}

int search_evaluate(const struct search_evaluation *e, struct search_node *const *nodes, uint32_t n,
                    struct search_answer *answers, struct diag *diag)
{
    struct evaluating x = {e, nodes};
    return n ? fork_map(n, e->jobs, evaluate_one, &x, answers, sizeof *answers, diag) : 0;
}
