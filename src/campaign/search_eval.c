#include "campaign/search_eval.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "campaign/search_cost.h"
#include "io/kind.h"
#include "kinds/cost.h"
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

static uint32_t column_of(const struct result_table *t, const char *name)
{
    uint32_t c = 0;
    while (c < t->n_columns && strcmp(t->columns[c].name, name) != 0)
        c++;
    return c;
}

/* Of a table of what a GPU's memory holds, all but the row "free"; NaN: it is none. */
static double used_of(const struct result_table *t)
{
    uint32_t what = column_of(t, "what"), share = column_of(t, "share");
    for (uint32_t i = 0; i < t->n_rows && what < t->n_columns && share < t->n_columns; i++) {
        const struct result_cell *row = &t->cells[(size_t)i * t->n_columns];
        if (row[what].text && !strcmp(row[what].text, "free"))
            return 1 - row[share].value;
    }
    return NAN;
}

/* Of the chip's memory, of the fullest GPU that the result tells of; NaN: it tells of none. */
static double memory_used(const struct result *r, const struct cluster_hw *hw)
{
    const struct result_metric *memory = metric_of(r, "memory");
    double most = memory ? memory->value / hw->chip.memory_B : NAN;
    for (uint32_t i = 0; i < r->n_tables; i++)
        most = fmax(most, used_of(&r->tables[i]));
    return most;
}

/* What stands beside a result's own metrics. */
static bool take_ours(const char *name, const struct kind_run *run, double *value, int *dim)
{
    const struct cluster_hw *hw = &run->file->scenario->cluster;
    if (!strcmp(name, SEARCH_MEMORY)) {
        *value = memory_used(&run->result, hw);
        *dim = isnan(*value) ? -1 : DIM_RATIO;
        return true;
    }
    if (!strcmp(name, SEARCH_NETWORK_COST))
        *value = search_network_cost(hw);
    else if (!strcmp(name, SEARCH_CLUSTER_COST)) /* also of kinds that do not tell it */
        *value = kind_cluster_USD(hw);
    else
        return false;
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

static void note_near(const struct search_evaluation *e, const struct kind_run *run, struct search_answer *to)
{
    const struct result *r = &run->result;
    const char **names = ARENA_ARRAY(run->arena, const char *, r->n_metrics + 3);
    uint32_t missing = 0, n = 0;
    while (missing < e->n_metrics && to->dim[missing] >= 0)
        missing++;
    for (; n < r->n_metrics; n++)
        names[n] = r->metrics[n].name;
    names[n++] = SEARCH_NETWORK_COST;
    names[n] = SEARCH_CLUSTER_COST;
    if (missing == e->n_metrics)
        return;
    const char *near = cfg_nearest(e->metrics[missing], names);
    snprintf(to->near, sizeof to->near, "%s", near ? near : "");
    snprintf(to->lacks, sizeof to->lacks, "%s", kind_cost_lacks(run, e->metrics[missing]));
}

static void note_why(struct search_answer *to, struct diag *diag)
{
    snprintf(to->why, sizeof to->why, "%.*s", (int)strcspn(diag_text(diag), "\n"), diag_text(diag));
}

/* A point is refused or too large; anything else (a file that cannot be read) says nothing about it. */
static bool is_about_input(const struct diag *diag)
{
    int code = diag_exit_code(diag);
    return code == EXIT_BAD_INPUT || code == EXIT_USAGE || code == EXIT_LIMIT;
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
        note_near(e, &run, to);
    } else if (!is_about_input(diag)) {
        to->state = SEARCH_FAILED;
    }
    note_why(to, diag);
    kind_run_free(&run);
    diag_free(diag);
    arena_free(arena);
}

/* What the scenario's own checks say, whatever the network model. */
static enum search_state check_point(const struct search_evaluation *e, const char *const *set, int n,
                                     struct arena *arena, struct search_answer *to, bool *has_bound)
{
    struct diag *diag = diag_new();
    struct scenario_file file;
    diag_mute_warnings(diag, true);
    enum search_state state = SEARCH_UNKNOWN;
    if (scenario_load(e->space->d->path, set, n, arena, &file, diag)) {
        state = is_about_input(diag) ? SEARCH_INVALID : SEARCH_FAILED;
    } else {
        struct hw_routing routing = topology_routing(&file.scenario->cluster);
        *has_bound = sim_has_one_path(&routing);
        if (e->bound && !*has_bound)
            diag_error(diag, EXIT_BAD_INPUT, scenario_place(&file, "cluster.network.routing.policy"),
                       "network 'bound' cannot route by load or over several paths at once");
    }
    note_why(to, diag);
    diag_free(diag);
    return state;
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
    bool has_bound = false;
    to->state = check_point(e, set, n, arena, to, &has_bound);
    if (to->state == SEARCH_UNKNOWN && !e->at_worst && (has_bound || !e->bound)) {
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
