/* A sweep's point: the scenario with its values, and the run in the child. */
#include <stdlib.h>
#include <string.h>

#include "base/data_find.h"
#include "io/kind.h"
#include "io/sweepdb/sweep_record.h"
#include "kinds/kind_run.h"
#include "campaign/sweep_priv.h"

void sweep_resolve(const struct sweep *s, uint32_t point, struct arena *arena, struct resolved *r, struct diag *diag)
{
    int n;
    char *text = NULL;
    size_t size;
    const char **set = design_overrides(s->d, &s->points, point, arena, &n);
    r->loaded = !scenario_load(s->d->path, set, n, arena, &r->file, diag);
    FILE *out = checked_alloc(open_memstream(&text, &size));
    cfg_print_yaml(r->file.cfg, out);
    if (fclose(out))
        out_of_memory();
    r->text = arena_strdup(arena, text);
    sha256_text(text, size, r->sha256);
    free(text);
}

/* A record's lines end at a newline. */
const char *sweep_file_name(const struct sweep *s, size_t i, struct arena *arena)
{
    const char *path = input_file_at(i)->path, *slash = strrchr(path, '/');
    bool is_named = !strcmp(path, s->d->path) || !strcmp(path, s->d->file);
    char *name = arena_strdup(arena, !is_named ? data_name(path, s->d->path, arena) : slash ? slash + 1 : path);
    for (char *c = name; *c; c++)
        *c = *c == '\n' ? '?' : *c;
    return name;
}

static void print_outcome(const struct sweep *s, const struct result *result, struct diag *diag, FILE *out)
{
    struct arena *arena = arena_new();
    char *outcome = sweep_outcome_text(diag_text(diag), diag_failed(diag) ? NULL : result);
    fprintf(out, "%d %zu\n", diag_exit_code(diag), input_files_count() - s->n_files);
    for (size_t i = s->n_files; i < input_files_count(); i++)
        fprintf(out, "%s %s\n", input_file_at(i)->sha256, sweep_file_name(s, i, arena));
    fputs(outcome, out);
    free(outcome);
    arena_free(arena);
}

void sweep_run_point(void *ctx, uint32_t point, FILE *out)
{
    const struct sweep *s = ctx;
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct resolved r;
    struct known *known;
    sweep_resolve(s, point, arena, &r, diag);
    char *changed = sweep_resolved_text(r.text, s->about.scenario, arena);
    fprintf(out, "%s\n%s\n", r.sha256, changed);
    fflush(out);
    HASH_FIND_STR(s->known, r.sha256, known);
    if (known && r.loaded) { /* a key that nothing reads is no part of the text, but a mistake */
        fputs("known", out);
    } else {
        struct kind_run run = {.file = &r.file, .arena = arena, .one_of_many = true};
        if (r.loaded)
            kind_execute(&run, diag);
        print_outcome(s, &run.result, diag, out);
        kind_run_free(&run);
    }
    free(changed);
    diag_free(diag);
    arena_free(arena);
}
