/* moesim kernels --fit: a chip's kernels from measured times. */
#include "cmd/cmd_kernels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/progress.h"
#include "hw/kernels/kernel_check.h"
#include "io/results/kernel_file_write.h"

/* "gemm_fp8.sglang_deepgemm.kernel" in the folder. */
static const char *path_of(const struct kernel *k, const char *folder, struct arena *arena)
{
    char *library = arena_strdup(arena, k->library ? k->library : "kernel");
    for (char *c = library; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *c))
            *c = '_';
    return arena_printf(arena, "%s/%s_%s%s.%s%s.kernel", folder, kernel_family_names[k->family],
                        kernel_dtype_names[k->dtype], k->fp8_cache ? "_fp8_cache" : "", library,
                        k->part > 0 ? arena_printf(arena, "_%g", k->part) : "");
}

/* *made: whether it was not there. */
static int make_folder(const char *path, bool *made, struct diag *diag)
{
    *made = !mkdir(path, 0777);
    if (*made || errno == EEXIST)
        return 0;
    diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "cannot make this folder: %s", strerror(errno));
    return -1;
}

static const char *validation_of(const struct kernels_fit *c, const struct kernel_device *on,
                                 const struct kernel_group *group, struct arena *arena)
{
    struct check_group g;
    if (!c->folds)
        return NULL;
    kernel_check_left_out(on, group, c->folds, arena, &g);
    return arena_printf(
        arena,
        "shapes left out in %d parts: median %.1f %%, 90th percentile %.1f %% of %u rows; the mechanism "
        "alone %.1f %%, %.1f %%",
        c->folds, 100 * g.all.median, 100 * g.all.p90, g.all.rows, 100 * g.mechanism.median, 100 * g.mechanism.p90);
}

/* "memory_ratio=0.9": in its place among a mechanism's constants; how many there are of that name, 0 or 1, or -1 with an
 * error. */
static int read_known(const char *text, const struct kernel_mechanism *m, double *known, struct diag *diag)
{
    size_t n = strcspn(text, "=");
    for (size_t i = 0; m->constants[i].name; i++) {
        const struct kernel_constant *c = &m->constants[i];
        char *end;
        if (strlen(c->name) != n || strncmp(c->name, text, n))
            continue;
        known[i] = text[n] ? strtod(text + n + 1, &end) : 0;
        if (text[n] && end != text + n + 1 && !*end && known[i] > 0 && known[i] <= c->most)
            return 1;
        diag_error(diag, EXIT_USAGE, SRCLOC_NONE,
                   "--known %s: write a number above 0 and at most %g, for example %s=%g", text, c->most, c->name,
                   c->first);
        return -1;
    }
    return 0;
}

/* Each --known must be a constant of some group's mechanism. */
static int read_all_known(const struct kernels_fit *c, struct kernel_group *groups, size_t n, struct arena *arena,
                          struct diag *diag)
{
    double *known = ARENA_ARRAY(arena, double, (n + 1) * KERNEL_MAX_CONSTANTS);
    for (size_t i = 0; i < n; i++)
        groups[i].known = known + i * KERNEL_MAX_CONSTANTS;
    for (int k = 0; k < c->n_known; k++) {
        int found = 0;
        for (size_t i = 0; i < n && found >= 0; i++) {
            int one = read_known(c->known[k], kernel_mechanism_of(groups[i].rows->call.family),
                                 known + i * KERNEL_MAX_CONSTANTS, diag);
            found = one < 0 ? -1 : found + one;
        }
        if (found == 0)
            diag_error(diag, EXIT_USAGE, SRCLOC_NONE,
                       "--known %s: kernels of these files have no such constant (doc/HARDWARE.md names them)",
                       c->known[k]);
        if (found <= 0)
            return -1;
    }
    return 0;
}

static void fit(const struct kernels_fit *c, const struct kernel_device *on, const struct kernel_group *group,
                struct kernel *k, struct arena *arena)
{
    *k = kernel_of(&group->rows->call, group->rows->library, on);
    memcpy(k->known, group->known, sizeof k->known);
    k->chip = c->chip;
    k->source = c->source;
    k->conditions = c->conditions;
    k->validation = validation_of(c, on, group, arena);
    kernel_fit_constants(k, on, group->rows, group->n_rows, false);
    kernel_fit_points(k, on, group->rows, group->n_rows, kernel_most_points(k, group->n_rows), arena);
}

static int write_kernel(const struct kernels_fit *c, const struct kernel *k, const char *folder, struct arena *arena,
                        struct diag *diag)
{
    struct outfile *f = outfile_open(path_of(k, folder, arena), diag);
    if (!f)
        return -1;
    outfile_printf(f, "# %s, by moesim kernels --fit\n", c->chip);
    kernel_file_write(k, f);
    return outfile_close(f, diag);
}

/* All files in <out>/kernels or none, and no folder for nothing. */
static int write_all(const struct kernels_fit *c, const struct kernel *kernels, size_t n, struct arena *arena,
                     struct diag *diag)
{
    const char *folder = arena_printf(arena, "%s/kernels", c->out);
    bool made_out = false, made = false;
    int failed = make_folder(c->out, &made_out, diag) || make_folder(folder, &made, diag);
    outfile_batch_begin();
    for (size_t i = 0; i < n && !failed; i++)
        failed = write_kernel(c, &kernels[i], folder, arena, diag);
    failed = outfile_batch_end(!failed, diag);
    if (failed && made)
        rmdir(folder);
    if (failed && made_out)
        rmdir(c->out);
    for (size_t i = 0; i < n && !failed; i++)
        printf("written: %s\n", path_of(&kernels[i], folder, arena));
    return failed;
}

int kernels_fit(const struct kernels_fit *c, struct arena *arena, struct diag *diag)
{
    struct cluster_file file;
    struct kernel_table rows = {0};
    if (cluster_load(&c->from, arena, &file, diag) ||
        kernels_read_rows(c->files, c->n_files, c->family, &file.hw->chip, arena, &rows, diag))
        return -1;
    struct kernel_device on = kernel_device_of(&file.hw->chip);
    size_t n;
    struct kernel_group *groups = kernel_groups(rows.rows, rows.n_rows, true, &n, arena);
    struct kernel *kernels = ARENA_ARRAY(arena, struct kernel, n + 1);
    if (read_all_known(c, groups, n, arena, diag))
        return -1;
    for (size_t i = 0; i < n; i++)
        fit(c, &on, &groups[i], &kernels[i], arena);
    return write_all(c, kernels, n, arena, diag);
}
