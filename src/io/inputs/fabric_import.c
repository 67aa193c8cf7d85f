#include "io/inputs/fabric_import.h"

#include <stdlib.h>
#include <string.h>

#include "io/inputs/input.h"
#include "io/whole_file.h"

enum { LARGEST_FILE_B = 1 << 30 };

struct source {
    const char *path;
    const struct input_format *format;
};

static const char *formats_known(struct arena *arena)
{
    const char *list = "";
    for (const struct input_format *const *f = input_formats; *f; f++)
        if ((*f)->makes == INPUT_FABRIC)
            list = arena_printf(arena, "%s%s%s (%s)", list, *list ? ", " : "", (*f)->name, (*f)->doc);
    return list;
}

static const struct input_format *format_of(const char *path, struct arena *arena, struct diag *diag)
{
    struct input_head *head = checked_alloc(malloc(sizeof *head));
    bool failed = input_head_read(path, head, diag);
    const struct input_format *format = failed ? NULL : input_recognise(head);
    free(head);
    if (failed || (format && format->makes == INPUT_FABRIC))
        return format;
    if (format)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path), "this is no part of a fabric but %s (%s)", format->name,
                   format->doc);
    else
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path), "this is none of the formats of fabrics that are known: %s",
                   formats_known(arena));
    return NULL;
}

int fabric_read_text(const struct input_format *format, const char *path, const char *text, size_t len,
                     struct fabric *f, struct diag *diag)
{
    const char *zero = memchr(text, 0, len);
    if (zero) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path), "byte %zu is 0: this is no text", (size_t)(zero - text));
        return -1;
    }
    return format->read_fabric(path, text, len, f, diag);
}

static int read_source(const struct source *s, struct fabric *f, struct diag *diag)
{
    char *bytes, *text;
    size_t len;
    if (whole_file_read(s->path, LARGEST_FILE_B, &bytes, &len, diag))
        return -1;
    text = arena_alloc(f->arena, len + 1);
    memcpy(text, bytes, len + 1);
    free(bytes);
    return fabric_read_text(s->format, s->path, text, len, f, diag);
}

static int read_stage(const struct source *sources, int n, enum fabric_stage stage, struct fabric *f, struct diag *diag)
{
    for (int i = 0; i < n; i++)
        if (sources[i].format->stage == stage && read_source(&sources[i], f, diag))
            return -1;
    return 0;
}

static int check_network(const struct source *sources, int n, struct fabric *f, struct diag *diag)
{
    uint32_t switches = 0;
    for (uint32_t i = 0; i < f->n_nodes; i++)
        switches += f->nodes[i].is_switch;
    if (switches)
        return 0;
    bool network = false;
    for (int i = 0; i < n; i++)
        network |= sources[i].format->stage == FABRIC_NETWORK;
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(sources[0].path),
               network ? "the file has no switch"
                       : "none of the files says what the network is, switches and cables "
                         "(for example what ibnetdiscover prints)");
    return -1;
}

struct fabric *fabric_import(const char *const *paths, int n, const struct fabric_import_options *o,
                             struct arena *arena, struct diag *diag)
{
    struct fabric *f = fabric_new(arena);
    struct source *sources = ARENA_ARRAY(arena, struct source, (size_t)n + 1);
    f->cables_a_link = o->cables;
    f->nics_a_host = o->nics;
    f->cables_given = o->cables || o->cables_full;
    for (int i = 0; i < n; i++) {
        sources[i] = (struct source){paths[i], format_of(paths[i], arena, diag)};
        if (!sources[i].format)
            return NULL;
    }
    for (int stage = FABRIC_NETWORK; stage <= FABRIC_INSIDE; stage++) {
        if (read_stage(sources, n, (enum fabric_stage)stage, f, diag))
            return NULL;
        if (stage == FABRIC_NETWORK && check_network(sources, n, f, diag))
            return NULL;
    }
    return fabric_find_hosts(f, diag) ? NULL : f;
}
