#include "io/hardware.h"

#include <string.h>
#include <unistd.h>

#include "hw/cluster.h"
#include "io/scenario.h"

void report_unknown(struct diag *diag, enum exit_code code, struct srcloc where, const char *what,
                    const char *word, const char *const *names, struct arena *arena)
{
    const char *near = cfg_nearest(word, names), *list = "";
    for (const char *const *n = names; *n; n++)
        list = arena_printf(arena, "%s%s%s", list, *list ? ", " : "", *n);
    const char *hint = near ? arena_printf(arena, "did you mean '%s'? ", near) : "";
    diag_error(diag, code, where, "unknown %s '%.60s'; %sthere %s: %s", what, word, hint,
               names[0] && names[1] ? "are" : "is", names[0] ? list : "none");
}

static bool is_name(const char *word)
{
    return *word && *word != '.' && !strchr(word, '/');
}

/* A table with a key that has no default cannot do without its file. */
static bool must_be_there(const struct cfg_table *t)
{
    for (const struct cfg_field *f = t->fields; f->name; f++)
        if (f->type != CFG_TABLE && !f->dflt)
            return true;
    return false;
}

int hardware_lay(struct cfg *c, const char *name, struct srcloc where, const char *beside,
                 struct arena *arena, struct diag *diag)
{
    const char *chip = arena_printf(arena, "configs/%s/chip.yaml", name);
    const char *found = is_name(name) ? data_find(chip, beside, arena) : NULL;
    if (!found) {
        report_unknown(diag, EXIT_BAD_INPUT, where, "hardware", name,
                       data_list("configs", "chip.yaml", beside, arena), arena);
        return -1;
    }
    size_t before = diag_count(diag);
    int dir = (int)(strrchr(found, '/') - found);
    for (const struct cfg_field *part = cluster_hw_table.fields; part->name; part++) {
        const char *path = arena_printf(arena, "%.*s/%s.yaml", dir, found, part->name);
        if (part->type == CFG_TABLE && (must_be_there(part->sub) || !access(path, F_OK)))
            cfg_load_file(c, path, arena_printf(arena, "cluster.%s", part->name), true, NULL, diag);
    }
    return diag_count(diag) == before ? 0 : -1;
}
