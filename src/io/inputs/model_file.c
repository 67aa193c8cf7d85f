#include "base/data_find.h"
#include "io/inputs/model_file.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/hardware.h"
#include "io/inputs/input.h"
#include "io/inputs/model_import_priv.h"
#include "io/scenario.h"
#include "io/whole_file.h"

static bool is_path(const char *name)
{
    size_t n = strlen(name);
    return strchr(name, '/') || (n > 5 && (!strcmp(name + n - 5, ".yaml") || !strcmp(name + n - 5, ".json")));
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

/* Hugging Face's config.json says what a model is in words of its own: one message, not one for each of its keys. */
static bool is_config_json(const char *path, struct diag *diag)
{
    static struct input_head head;
    struct stat st;
    head.path = path;
    if (stat(path, &st) || !S_ISREG(st.st_mode) || access(path, R_OK) ||
        whole_file_head(path, head.bytes, INPUT_HEAD_B, &head.n, diag))
        return false; /* whoever opens it says why it cannot */
    head.bytes[head.n] = 0;
    const struct input_format *f = input_recognise(&head);
    if (!f || f->makes != INPUT_MODEL)
        return false;
    const char *key = strstr(head.bytes, "\"architectures\"");
    key = key ? key : strstr(head.bytes, "\"model_type\"");
    diag_error(
        diag, EXIT_BAD_INPUT, import_place_of(head.bytes, head.n, key ? key : head.bytes, path),
        "this is a config.json of Hugging Face's, no model of ours; write 'moesim model import %s -o mine.yaml', then "
        "the model is mine.yaml",
        path);
    return true;
}

static int load(struct cfg *c, const char *path, const char *at, struct diag *diag)
{
    return is_config_json(path, diag) ? -1 : cfg_load_file(c, path, at, false, NULL, diag);
}

int model_lay(struct cfg *c, const char *at, const char *name, struct srcloc where, const char *beside,
              struct arena *arena, struct diag *diag)
{
    const char *path = find(name, where, beside, arena, diag);
    return path ? load(c, path, at, diag) : -1;
}

int model_load(const char *name, const char *const *set, int n_set, struct arena *arena, struct model_file *out,
               struct diag *diag)
{
    size_t before = diag_count(diag);
    struct cfg *cfg = cfg_new(&model_table, arena);
    *out = (struct model_file){cfg_struct(cfg), cfg, find(name, SRCLOC_NONE, NULL, arena, diag)};
    if (!out->path || load(cfg, out->path, "", diag))
        return -1;
    for (int i = 0; i < n_set; i++)
        cfg_override(cfg, set[i], diag);
    if (cfg_finish(cfg, diag) || diag_count(diag) != before)
        return -1;
    return model_open(cfg, "", cfg_struct(cfg), arena, diag);
}
