#include "base/data_find.h"
#include "io/hardware.h"

#include <string.h>
#include <unistd.h>

#include "hw/cluster.h"
#include "io/scenario.h"

void report_unknown(struct diag *diag, enum exit_code code, struct srcloc where, const char *what, const char *word,
                    const char *const *names, struct arena *arena)
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

/* The folder of a hardware: where a file of it lies; NULL when there is none. A layer over other hardware
 * may have any part, the first one must have all that are needed, so a chip. */
static const char *find_folder(const char *name, bool first, const char *beside, struct arena *arena)
{
    const char *found = NULL;
    if (!is_name(name))
        return NULL;
    for (const struct cfg_field *part = cluster_hw_table.fields; part->name && !found; part++)
        if (part->type == CFG_TABLE && (!first || !strcmp(part->name, "chip")))
            found = data_find(arena_printf(arena, "configs/%s/%s.yaml", name, part->name), beside, arena);
    return found ? arena_printf(arena, "%.*s", (int)(strrchr(found, '/') - found), found) : NULL;
}

const char *const *hardware_names(bool first, const char *beside, struct arena *arena)
{
    const char **all = data_list("configs", first ? "chip.yaml" : "", beside, arena);
    size_t n = 0;
    for (const char **name = all; *name; name++)
        if (find_folder(*name, first, beside, arena))
            all[n++] = *name;
    all[n] = NULL;
    return all;
}

static void lay_parts(struct cfg *c, const char *folder, bool first, struct arena *arena, struct diag *diag)
{
    for (const struct cfg_field *part = cluster_hw_table.fields; part->name; part++) {
        const char *path = arena_printf(arena, "%s/%s.yaml", folder, part->name);
        if (part->type == CFG_TABLE && ((first && must_be_there(part->sub)) || !access(path, F_OK)))
            cfg_load_file(c, path, arena_printf(arena, "cluster.%s", part->name), true, NULL, diag);
    }
}

enum { MAX_LAYERS = 16 };

/* Each layer lays all its files over those before: there are few, each once. */
static int check_layers(const char *names, struct srcloc where, struct diag *diag)
{
    const char *begin[MAX_LAYERS];
    size_t length[MAX_LAYERS];
    int n = 0;
    for (const char *p = names;; p++) {
        p += strspn(p, " ");
        if (n == MAX_LAYERS) {
            diag_error(diag, EXIT_LIMIT, where, "hardware has more than %d layers", MAX_LAYERS);
            return -1;
        }
        begin[n] = p;
        length[n] = strcspn(p, " ,");
        for (int i = 0; i < n; i++)
            if (length[i] == length[n] && length[n] && !strncmp(begin[i], p, length[n])) {
                diag_error(diag, EXIT_BAD_INPUT, where, "the hardware '%.*s' is given twice", (int)length[n], p);
                return -1;
            }
        n++;
        p += strcspn(p, ",");
        if (!*p)
            return 0;
    }
}

int hardware_lay(struct cfg *c, const char *names, struct srcloc where, const char *beside, struct arena *arena,
                 struct diag *diag)
{
    size_t before = diag_count(diag);
    bool first = true;
    char *rest = arena_strdup(arena, names), *name;
    if (check_layers(names, where, diag))
        return -1;
    while ((name = strsep(&rest, ","))) {
        name += strspn(name, " ");
        name[strcspn(name, " ")] = '\0';
        const char *folder = find_folder(name, first, beside, arena);
        if (!folder) {
            report_unknown(diag, EXIT_BAD_INPUT, where, "hardware", name, hardware_names(first, beside, arena), arena);
            return -1;
        }
        lay_parts(c, folder, first, arena, diag);
        first = false;
    }
    return diag_count(diag) == before ? 0 : -1;
}
