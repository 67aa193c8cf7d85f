/* Data files (configs/..., traces/...) without absolute paths in scenarios. Searched,
 * in this order: beside the scenario, the working directory, each folder of
 * $MOESIM_PATH, then moesim's own. The first that has the file wins.
 *
 * Which folder is moesim's own the place of the program tells: one that runs in the folder it was built in reads the
 * source tree; an installed one reads what was installed beside it (so that a whole prefix may be moved), then the
 * folder that configure was told. A source tree that still lies around says nothing to an installed program. */
#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folders.h"
#include "base/data_find.h"

struct roots {
    const char **path;
    size_t n;
    struct arena *arena;
};

static void add_root(struct roots *r, const char *path, size_t len)
{
    if (len)
        r->path[r->n++] = arena_printf(r->arena, "%.*s", (int)len, path);
}

/* The path without links, dots and the working directory; itself when there is no such file. */
static const char *real(const char *path, struct arena *arena)
{
    char *found = realpath(path, NULL);
    const char *copy = arena_strdup(arena, found ? found : path);
    free(found);
    return copy;
}

/* The folder of this program; "" when the system does not tell. */
static const char *program_folder(struct arena *arena)
{
    static const char self[] = "/proc/self/exe";
    const char *path = real(self, arena);
    return strcmp(path, self) ? arena_printf(arena, "%.*s", (int)(strrchr(path, '/') - path), path) : "";
}

/* Whether a folder is `outer` or inside of it. */
static bool is_within(const char *folder, const char *outer)
{
    size_t n = strlen(outer);
    return !strncmp(folder, outer, n) && (!folder[n] || folder[n] == '/');
}

static void add_own_roots(struct roots *r)
{
    const char *program = program_folder(r->arena);
    if (is_within(program, real(MOESIM_BUILDDIR, r->arena))) {
        add_root(r, MOESIM_SRCDIR, strlen(MOESIM_SRCDIR));
        return;
    }
    if (*program) {
        const char *beside = real(arena_printf(r->arena, "%s/%s", program, DATA_FROM_BIN), r->arena);
        add_root(r, beside, strlen(beside));
    }
    add_root(r, PKGDATADIR, strlen(PKGDATADIR));
}

static struct roots search_roots(const char *scenario_path, struct arena *arena)
{
    const char *env = getenv("MOESIM_PATH");
    struct roots r = {.arena = arena};
    r.path = ARENA_ARRAY(arena, const char *, 5 + (env ? strlen(env) : 0));
    const char *slash = scenario_path ? strrchr(scenario_path, '/') : NULL;
    if (slash)
        add_root(&r, scenario_path, slash == scenario_path ? 1 : (size_t)(slash - scenario_path));
    add_root(&r, ".", 1);
    while (env && *env) {
        size_t len = strcspn(env, ":");
        add_root(&r, env, len);
        env += len + (env[len] == ':');
    }
    add_own_roots(&r);
    return r;
}

static const char *joined(const char *root, const char *relative, struct arena *arena)
{
    return strcmp(root, ".") ? arena_printf(arena, "%s/%s", root, relative) : arena_strdup(arena, relative);
}

const char *data_find(const char *relative, const char *scenario_path, struct arena *arena)
{
    if (relative[0] == '/')
        return access(relative, F_OK) ? NULL : arena_strdup(arena, relative);
    struct roots r = search_roots(scenario_path, arena);
    for (size_t i = 0; i < r.n; i++) {
        const char *path = joined(r.path[i], relative, arena);
        if (!access(path, F_OK))
            return path;
    }
    return NULL;
}

const char *data_need(const char *name, const char *scenario_path, struct srcloc where, const char *list,
                      struct arena *arena, struct diag *diag)
{
    const char *path = data_find(name, scenario_path, arena);
    if (!path)
        diag_error(diag, EXIT_IO, where,
                   "there is no file '%s', neither beside the scenario nor in the working folder, $MOESIM_PATH or "
                   "moesim's own data%s%s",
                   name, *list ? "; " : "", list);
    return path;
}

const char *data_given(const char *path, struct arena *arena)
{
    bool fixed = path[0] == '/' || path[0] == '.' || !access(path, F_OK);
    const char *found = fixed ? NULL : data_find(path, NULL, arena);
    return found ? found : path;
}

static size_t length_of_root(const char *path, const char *root)
{
    size_t n = strlen(root);
    return !strncmp(path, root, n) && path[n] == '/' ? n + 1 : 0;
}

/* Where somebody stands is the last thing that a name should depend on. */
const char *data_name(const char *path, const char *scenario_path, struct arena *arena)
{
    struct roots r = search_roots(scenario_path, arena);
    size_t longest = 0;
    path = real(path, arena);
    for (size_t i = 0; i < r.n; i++) {
        size_t n = strcmp(r.path[i], ".") ? length_of_root(path, real(r.path[i], arena)) : 0;
        longest = n > longest ? n : longest;
    }
    return path + (longest ? longest : length_of_root(path, real(".", arena)));
}

/* --- listing
 * ---------------------------------------------------------------------------------------
 */

struct names {
    const char **name;
    size_t n, cap;
    struct arena *arena;
};

static void add_name(struct names *names, const char *name)
{
    if (names->n + 1 >= names->cap) { /* the terminating NULL stays */
        size_t cap = names->cap ? 2 * names->cap : 16;
        const char **grown = ARENA_ARRAY(names->arena, const char *, cap);
        if (names->n)
            memcpy(grown, names->name, names->n * sizeof *grown);
        names->name = grown;
        names->cap = cap;
    }
    names->name[names->n++] = arena_strdup(names->arena, name);
    names->name[names->n] = NULL;
}

static void add_folder(struct names *names, const char *folder, const char *holds)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return; /* most roots do not have most folders */
    for (struct dirent *e; (e = readdir(dir));) {
        const char *inside = arena_printf(names->arena, "%s/%s/%s", folder, e->d_name, holds);
        if (e->d_name[0] != '.' && (!*holds || !access(inside, F_OK)))
            add_name(names, e->d_name);
    }
    closedir(dir);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **data_list(const char *folder, const char *holds, const char *scenario_path, struct arena *arena)
{
    struct names names = {.arena = arena};
    struct roots r = search_roots(scenario_path, arena);
    for (size_t i = 0; i < r.n; i++)
        add_folder(&names, joined(r.path[i], folder, arena), holds);
    if (!names.n)
        return ARENA_ARRAY(arena, const char *, 1);
    qsort(names.name, names.n, sizeof *names.name, by_name);
    size_t kept = 1;
    for (size_t i = 1; i < names.n; i++)
        if (strcmp(names.name[i], names.name[kept - 1]))
            names.name[kept++] = names.name[i];
    names.name[kept] = NULL;
    return names.name;
}
