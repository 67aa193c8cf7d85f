/* moesim kernels --check: measured rows against the model. */
#include "cmd/cmd_kernels.h"

#include "base/progress.h"
#include "hw/kernels/kernel_check.h"
#include "io/inputs/kernel_table_file.h"
#include "io/results/kernel_check_write.h"

static const struct kernel_model *model_of(const struct kernels_check *c, const char **name, struct arena *arena,
                                           struct diag *diag)
{
    struct cluster_file file;
    struct kernel_table table;
    if (cluster_load(&c->from, arena, &file, diag) ||
        kernel_tables_read(file.hw->kernels.tables, cfg_where(file.cfg, "cluster.kernels.tables"), NULL, arena, &table,
                           diag))
        return NULL;
    *name = file.hardware;
    return kernel_model_new(file.hw, &table, arena);
}

int kernels_check(const struct kernels_check *c, struct arena *arena, struct outfile *f, struct diag *diag)
{
    struct check_page page = {.folds = c->folds, .tolerance = c->tolerance};
    struct kernel_table rows = {0};
    const struct kernel_model *m = model_of(c, &page.hardware, arena, diag);
    if (!m || kernels_read_rows(c->files, c->n_files, c->family, &m->chip, arena, &rows, diag))
        return -1;
    struct kernel_group *groups = kernel_groups(rows.rows, rows.n_rows, false, &page.n_groups, arena);
    struct check_group *checked = ARENA_ARRAY(arena, struct check_group, page.n_groups + 1);
    struct kernel_device on = kernel_device_of(&m->chip);
    bool over = false;
    for (size_t i = 0; i < page.n_groups; i++) {
        if (c->folds)
            kernel_check_left_out(&on, &groups[i], c->folds, arena, &checked[i]);
        else
            kernel_check(m, &groups[i], arena, &checked[i]);
        over |= c->tolerance > 0 && checked[i].all.median > c->tolerance;
    }
    page.groups = checked;
    (c->json ? kernel_check_json : kernel_check_text)(&page, f);
    if (over)
        diag_exit(diag, EXIT_NO);
    return 0;
}
