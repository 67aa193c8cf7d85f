#include "base/data_find.h"
#include "io/inputs/model_file.h"

#include <string.h>

#include "io/hardware.h"
#include "io/scenario.h"

static bool is_path(const char *name)
{
    size_t n = strlen(name);
    return strchr(name, '/') || (n > 5 && !strcmp(name + n - 5, ".yaml"));
}

static const char **names(struct arena *arena)
{
    const char **all = data_list("configs/models", "", NULL, arena);
    for (const char **n = all; *n; n++)
        *n = arena_printf(arena, "%.*s", (int)strlen(*n) - 5, *n);
    return all;
}

static const char *find(const char *name, struct srcloc where, const char *beside, struct arena *arena,
                        struct diag *diag)
{
    const char *path = is_path(name) ? data_find(name, beside, arena) : NULL;
    if (is_path(name))
        return path ? path : name; /* whoever opens it says that it is not there */
    path = data_find(arena_printf(arena, "configs/models/%s.yaml", name), beside, arena);
    if (!path)
        report_unknown(diag, EXIT_BAD_INPUT, where, "model", name, names(arena), arena);
    return path;
}

int model_lay(struct cfg *c, const char *at, const char *name, struct srcloc where, const char *beside,
              struct arena *arena, struct diag *diag)
{
    const char *path = find(name, where, beside, arena, diag);
    return path ? cfg_load_file(c, path, at, false, NULL, diag) : -1;
}

int model_load(const char *name, const char *const *set, int n_set, struct arena *arena, struct model_file *out,
               struct diag *diag)
{
    size_t before = diag_count(diag);
    struct cfg *cfg = cfg_new(&model_table, arena);
    *out = (struct model_file){cfg_struct(cfg), cfg, find(name, SRCLOC_NONE, NULL, arena, diag)};
    if (!out->path || cfg_load_file(cfg, out->path, "", false, NULL, diag))
        return -1;
    for (int i = 0; i < n_set; i++)
        cfg_override(cfg, set[i], diag);
    if (cfg_finish(cfg, diag) || diag_count(diag) != before)
        return -1;
    return model_open(cfg, "", cfg_struct(cfg), arena, diag);
}
