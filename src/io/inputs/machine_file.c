#include "base/data_find.h"
#include "io/inputs/machine_file.h"

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
    const char **all = data_list("configs/edge", "", NULL, arena);
    for (const char **n = all; *n; n++)
        *n = arena_printf(arena, "%.*s", (int)strlen(*n) - 5, *n);
    return all;
}

static int check_processor(const struct cfg *cfg, const struct hw_processor *p, const char *key, struct diag *diag)
{
    if (p->memory_Bps > 0 && p->flops > 0)
        return 0;
    diag_error(diag, EXIT_BAD_INPUT, cfg_where(cfg, key), "a %s with memory needs memory_bandwidth and flops", key);
    return -1;
}

static int check(const struct cfg *cfg, const struct hw_machine *m, struct diag *diag)
{
    if (m->gpu.memory_B <= 0) {
        diag_error(diag, EXIT_BAD_INPUT, cfg_where(cfg, "gpu"),
                   "a machine needs gpu.memory; a system on a chip gives all of its memory there");
        return -1;
    }
    if (check_processor(cfg, &m->gpu, "gpu", diag))
        return -1;
    return m->cpu.memory_B > 0 ? check_processor(cfg, &m->cpu, "cpu", diag) : 0;
}

int machine_load(const char *name, const char *const *set, uint32_t n_set, struct srcloc where, const char *beside,
                 struct arena *arena, const struct hw_machine **out, struct diag *diag)
{
    size_t before = diag_count(diag);
    struct cfg *cfg = cfg_new(&hw_machine_table, arena);
    const char *file = is_path(name) ? name : arena_printf(arena, "configs/edge/%s.yaml", name);
    const char *path = is_path(name) ? data_need(file, beside, where, "", arena, diag) : data_find(file, beside, arena);
    *out = cfg_struct(cfg);
    if (!path && !is_path(name))
        report_unknown(diag, EXIT_BAD_INPUT, where, "machine", name, names(arena), arena);
    if (!path || cfg_load_file(cfg, path, "", true, NULL, diag))
        return -1;
    for (uint32_t i = 0; i < n_set; i++)
        cfg_override(cfg, set[i], diag);
    if (cfg_finish(cfg, diag) || diag_count(diag) != before)
        return -1;
    return check(cfg, *out, diag);
}
