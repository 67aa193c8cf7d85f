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

/* Files that go beside a network, without one. */
static int miss_network(const struct source *s, struct diag *diag)
{
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(s->path),
               "this is %s (%s), %s, and none of the files says what the network is, switches and cables (for example "
               "what ibnetdiscover prints); give both: 'moesim fabric import NETWORK %s -o fabric.yaml'",
               s->format->name, s->format->doc,
               s->format->stage == FABRIC_TABLES ? "tables of switches" : "the inside of a node", s->path);
    return -1;
}

static int check_network(const struct source *sources, int n, struct fabric *f, struct diag *diag)
{
    bool network = false;
    for (int i = 0; i < n; i++)
        network |= sources[i].format->stage == FABRIC_NETWORK;
    if (!network)
        return miss_network(&sources[0], diag);
    for (uint32_t i = 0; i < f->n_nodes; i++)
        if (f->nodes[i].is_switch)
            return 0;
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(sources[0].path), "the file has no switch");
    return -1;
}

/* Files are of one network: what two say is not joined by anything. */
static int check_one_network(const struct source *sources, int n, struct diag *diag)
{
    const struct source *first = NULL;
    for (int i = 0; i < n; i++) {
        const struct source *s = &sources[i];
        if (s->format->stage != FABRIC_NETWORK)
            continue;
        if (first && (first->format != s->format || !s->format->in_parts)) {
            diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(s->path),
                       "a second network (%s); the first is in '%s' (%s): import one of them", s->format->name,
                       first->path, first->format->name);
            return -1;
        }
        first = first ? first : s;
    }
    return 0;
}

/* Options that say what no file leaves open. */
static int check_options(const struct source *sources, int n, const struct fabric_import_options *o, struct diag *diag)
{
    const char *given = o->nics ? "--nics" : o->cables || o->cables_full ? "--cables" : NULL;
    const struct source *network = sources;
    for (int i = 0; i < n; i++) {
        if (sources[i].format->counts_open)
            return 0;
        if (sources[i].format->stage == FABRIC_NETWORK)
            network = &sources[i];
    }
    if (given)
        diag_error(diag, EXIT_USAGE, SRCLOC_FILE(network->path),
                   "%s is about formats that do not say it (Slurm's), and this is %s (%s), which does; leave %s out",
                   given, network->format->name, network->format->doc, given);
    return given ? -1 : 0;
}

/* Tables send to NICs by ports that have a cable. */
static int check_table(const struct fabric *f, uint32_t node, const bool *cabled, struct diag *diag)
{
    const struct fabric_node *n = &f->nodes[node];
    for (uint32_t i = 0; i < f->n_nics; i++) {
        uint8_t port = f->nics[i].lid ? n->table[f->nics[i].lid] : 255;
        if (!port || port == 255 || cabled[port])
            continue;
        diag_error(diag, EXIT_BAD_INPUT, n->table_where,
                   "switch '%s' sends to LID %u ('%s') by port %u, which has no cable in the fabric: tables and fabric "
                   "are of two times, or of two fabrics",
                   n->name ? n->name : n->id, f->nics[i].lid, f->nics[i].name, port);
        return -1;
    }
    return 0;
}

int fabric_check_tables(const struct fabric *f, struct diag *diag)
{
    bool(*cabled)[FABRIC_PORTS] = f->n_tables ? arena_alloc(f->arena, f->n_nodes * sizeof *cabled) : NULL;
    int failed = 0;
    if (!cabled)
        return 0;
    memset(cabled, 0, f->n_nodes * sizeof *cabled);
    for (uint32_t i = 0; i < f->n_cables; i++) {
        cabled[f->cables[i].a][f->cables[i].a_port % FABRIC_PORTS] = true;
        cabled[f->cables[i].b][f->cables[i].b_port % FABRIC_PORTS] = true;
    }
    for (uint32_t i = 0; i < f->n_nodes; i++)
        if (f->nodes[i].table)
            failed |= check_table(f, i, cabled[i], diag);
    return failed;
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
    if (check_one_network(sources, n, diag) || check_options(sources, n, o, diag))
        return NULL;
    for (int stage = FABRIC_NETWORK; stage <= FABRIC_INSIDE; stage++) {
        if (read_stage(sources, n, (enum fabric_stage)stage, f, diag))
            return NULL;
        if (stage == FABRIC_NETWORK && check_network(sources, n, f, diag))
            return NULL;
    }
    bool failed = fabric_find_hosts(f, diag) || fabric_check_tables(f, diag) || fabric_check_inside(f, diag);
    if (!failed)
        fabric_walk_tables(f);
    return failed ? NULL : f;
}
