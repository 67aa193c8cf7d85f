#include "kinds/train/train_placement.h"

#include "base/data_find.h"
#include "io/inputs/row_file.h"

/* --- by rule --------------------------------------------------------------------------------------------------- */

/* Where the place comes when GPUs are handed out one after the other. */
static uint32_t turn_of(const struct train_layout *l, uint32_t place)
{
    uint32_t peer = place % l->group, column = place / l->group % l->columns, rank = place / l->group / l->columns;
    if (l->cfg->placement.order == PLACE_PIPELINE_OUTER)
        return place;
    return (column * l->ranks + rank) * l->group + peer;
}

static void place_by_rule(struct train_layout *l, uint32_t gpus_of_node)
{
    for (uint32_t i = 0; i < l->gpus; i++) {
        uint32_t turn = turn_of(l, i);
        l->endpoint[i] = turn / l->gpus_per_node * gpus_of_node + turn % l->gpus_per_node;
    }
}

/* --- from a file ----------------------------------------------------------------------------------------------- */

struct reading {
    const struct scenario_file *file;
    struct train_layout *l;
    struct rows rows;
    uint32_t *seen; /* [endpoints] line that took it, from 1 */
    struct diag *diag;
};

static int take_row(struct reading *r, uint32_t row)
{
    const struct cluster_hw *hw = &r->file->scenario->cluster;
    const double *value = &r->rows.values[(size_t)row * 2];
    const int64_t limit[2] = {hw->nodes, hw->node.gpus};
    for (uint32_t i = 0; i < 2; i++)
        if (value[i] != (double)(int64_t)value[i] || value[i] >= (double)limit[i]) {
            diag_error(r->diag, EXIT_BAD_INPUT, rows_place(&r->rows, row, i), "%g is no %s; there are 0 to %lld",
                       value[i], i ? "GPU of a node" : "node", (long long)limit[i] - 1);
            return -1;
        }
    uint32_t endpoint = (uint32_t)value[0] * (uint32_t)hw->node.gpus + (uint32_t)value[1];
    if (r->seen[endpoint]) {
        diag_error(r->diag, EXIT_BAD_INPUT, rows_place(&r->rows, row, 0), "GPU %g of node %g has place %u already",
                   value[1], value[0], r->seen[endpoint] - 1);
        return -1;
    }
    r->seen[endpoint] = row + 1;
    r->l->endpoint[row] = endpoint;
    return 0;
}

static int place_from_file(struct train_layout *l, const struct scenario_file *file, struct arena *arena,
                           struct diag *diag)
{
    static const char *const columns[] = {"node", "gpu", NULL};
    static const struct row_format format = {columns, 0, 1e9, "12 3"};
    const struct cluster_hw *hw = &file->scenario->cluster;
    const char *name = l->cfg->placement.file, *path = NULL;
    struct reading r = {.file = file, .l = l, .diag = diag};
    path = data_need(name, file->path, scenario_place(file, "train.placement.file"), "", arena, diag);
    if (!path || rows_read(path, &format, arena, &r.rows, diag))
        return -1;
    if (r.rows.n_rows != l->gpus) {
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, "train.placement.file"),
                   "'%s' has %u GPUs, the training has %u", name, r.rows.n_rows, l->gpus);
        return -1;
    }
    r.seen = ARENA_ARRAY(arena, uint32_t, (size_t)(hw->nodes * hw->node.gpus));
    for (uint32_t i = 0; i < l->gpus; i++)
        if (take_row(&r, i))
            return -1;
    return 0;
}

/* --- groups ------------------------------------------------------------------------------------------------------ */

/* A group within a node may be any of its GPUs; over several nodes it is whole ones, in order: that is how the
 * exchange between them is built. */
static bool group_holds(const struct train_layout *l, const uint32_t *endpoint, uint32_t gpus_of_node)
{
    bool one_node = true, whole = true;
    for (uint32_t i = 1; i < l->group; i++) {
        one_node &= endpoint[i] / gpus_of_node == endpoint[0] / gpus_of_node;
        whole &= endpoint[i] == endpoint[0] + i;
    }
    return one_node || (whole && endpoint[0] % gpus_of_node == 0);
}

static int check_groups(const struct train_layout *l, const struct scenario_file *file, struct diag *diag)
{
    uint32_t gpus_of_node = (uint32_t)file->scenario->cluster.node.gpus;
    for (uint32_t g = 0; g < l->gpus / l->group; g++)
        if (!group_holds(l, &l->endpoint[(size_t)g * l->group], gpus_of_node)) {
            diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, "train.placement"),
                       "places %u to %u work as a group (train.ep, train.tp): they must stand in one node, or on whole "
                       "nodes one behind the other",
                       g * l->group, (g + 1) * l->group - 1);
            return -1;
        }
    return 0;
}

int train_place(struct train_layout *l, const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct train_placement *p = &l->cfg->placement;
    uint32_t gpus_of_node = (uint32_t)file->scenario->cluster.node.gpus;
    bool by_file = *p->file;
    if (!by_file && p->order == PLACE_PIPELINE_OUTER && l->gpus_per_node == gpus_of_node)
        return 0;
    l->endpoint = ARENA_ARRAY(arena, uint32_t, l->gpus);
    if (by_file && place_from_file(l, file, arena, diag))
        return -1;
    if (!by_file)
        place_by_rule(l, gpus_of_node);
    return check_groups(l, file, diag);
}
