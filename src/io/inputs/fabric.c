#include "io/inputs/fabric.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const nearness_names[] = {"PIX", "PXB", "PHB", "NODE", "SYS", "unknown"};

struct fabric *fabric_new(struct arena *arena)
{
    struct fabric *f = ARENA_NEW(arena, struct fabric);
    f->arena = arena;
    return f;
}

/* An array of n elements with room for one more. */
static void *room_for(struct arena *arena, void *array, size_t element_B, uint32_t n, uint32_t *room)
{
    if (n < *room)
        return array;
    *room = *room ? 2 * *room : 64;
    void *more = arena_array(arena, element_B, *room);
    if (n)
        memcpy(more, array, n * element_B);
    return more;
}

enum { MOST_NOTES = 100 };

void fabric_note(struct fabric *f, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (f->n_notes > MOST_NOTES)
        return;
    for (uint32_t i = 0; i < f->n_notes; i++)
        if (!strcmp(f->notes[i], text))
            return;
    if (f->n_notes == MOST_NOTES)
        snprintf(text, sizeof text, "more of the like is not listed");
    f->notes = room_for(f->arena, f->notes, sizeof *f->notes, f->n_notes, &f->room_notes);
    f->notes[f->n_notes++] = arena_strdup(f->arena, text);
}

/* --- nodes --------------------------------------------------------------------------------------------------------- */

static uint32_t hash(const char *s)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 16777619u;
    return h;
}

/* Its bucket, or the free one where it belongs. */
static uint32_t *bucket_of(const struct fabric *f, const char *id)
{
    uint32_t i = hash(id) & (f->n_buckets - 1);
    while (f->by_id[i] && strcmp(f->nodes[f->by_id[i] - 1].id, id))
        i = (i + 1) & (f->n_buckets - 1);
    return &f->by_id[i];
}

static void grow_index(struct fabric *f)
{
    f->n_buckets = f->n_buckets ? 2 * f->n_buckets : 256;
    f->by_id = ARENA_ARRAY(f->arena, uint32_t, f->n_buckets);
    for (uint32_t i = 0; i < f->n_nodes; i++)
        *bucket_of(f, f->nodes[i].id) = i + 1;
}

uint32_t fabric_find(const struct fabric *f, const char *id)
{
    uint32_t found = f->n_buckets ? *bucket_of(f, id) : 0;
    return found ? found - 1 : FABRIC_NONE;
}

uint32_t fabric_node(struct fabric *f, const char *id)
{
    uint32_t found = fabric_find(f, id);
    if (found != FABRIC_NONE || f->n_nodes == FABRIC_MAX_NODES)
        return found;
    if (2 * (f->n_nodes + 1) > f->n_buckets)
        grow_index(f);
    f->nodes = room_for(f->arena, f->nodes, sizeof *f->nodes, f->n_nodes, &f->room_nodes);
    f->nodes[f->n_nodes] = (struct fabric_node){.id = id, .host = FABRIC_NONE};
    *bucket_of(f, id) = f->n_nodes + 1;
    return f->n_nodes++;
}

uint32_t fabric_add_cable(struct fabric *f, const struct fabric_cable *cable)
{
    f->cables = room_for(f->arena, f->cables, sizeof *f->cables, f->n_cables, &f->room_cables);
    f->cables[f->n_cables] = *cable;
    return f->n_cables++;
}

int fabric_set_inside(struct fabric *f, struct node_inside *inside, struct diag *diag)
{
    if (f->inside) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(inside->path),
                   "a second file of the inside of nodes, beside '%s': one kind of node at a time", f->inside->path);
        return -1;
    }
    f->inside = inside;
    return 0;
}

static void make_room_for_lid(struct fabric *f, uint32_t lid)
{
    uint32_t room = f->n_lids ? f->n_lids : 64;
    if (lid < f->n_lids)
        return;
    while (room <= lid)
        room *= 2;
    struct fabric_lid *more = ARENA_ARRAY(f->arena, struct fabric_lid, room);
    for (uint32_t i = 0; i < room; i++)
        more[i] = i < f->n_lids ? f->lids[i] : (struct fabric_lid){FABRIC_NONE, 0};
    f->lids = more;
    f->n_lids = room;
}

bool fabric_set_lid(struct fabric *f, uint32_t lid, uint32_t node, uint32_t port)
{
    if (lid == 0 || lid > FABRIC_MAX_LID)
        return true; /* not set up, or none of a node */
    make_room_for_lid(f, lid);
    struct fabric_lid *l = &f->lids[lid];
    if (l->node != FABRIC_NONE && (l->node != node || l->port != port))
        return false;
    *l = (struct fabric_lid){node, (uint8_t)port};
    return true;
}

uint32_t fabric_lid_owner(const struct fabric *f, uint32_t lid)
{
    return lid < f->n_lids ? f->lids[lid].node : FABRIC_NONE;
}
