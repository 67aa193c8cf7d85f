/* Composing chunks. A chunk is a row of slots, each with one layer's forward parts, another one's backward parts, or
 * both, laid in the order of chunk_part. A pair of stages is paired from the forward stage's first and the backward
 * stage's last layer on, layer against layer; what is no transformer layer (embedding, projection, head) stands
 * alone, and so do the layers that the longer stage has left.
 *
 * Waits inside a layer are the material's. Between parts a kernel waits for what the model makes it wait for:
 *
 *   forward     attn -> dispatch -> mlp -> combine -> next layer
 *   backward    combine -> mlp -> dispatch -> attn -> layer before;  weights after the gradients of their part
 *
 * which are also the waits that DeepSeek's profile shows. So a forward chunk alone has its communication exposed,
 * and a pair hides what it can. What is computed again are links of the backward chain. */
#include "models/chunk/chunk_compose.h"

#include <string.h>

#include "base/diag.h"

const char *const chunk_part_names[] = {"combine(B)", "attn(F)",  "dispatch(F)", "mlp(B)",  "dispatch(B)",
                                        "mlp(W)",     "mlp(F)",   "combine(F)",  "attn(B)", "attn(W)",
                                        "other(F)",   "other(B)", "other(W)",    NULL};
const char *const chunk_layer_names[] = {"embedding", "dense", "moe", "projection", "head", NULL};

#define PART(p) (1u << (p))
enum {
    FORWARD_PARTS =
        PART(PART_ATTN_F) | PART(PART_DISPATCH_F) | PART(PART_MLP_F) | PART(PART_COMBINE_F) | PART(PART_OTHER_F),
    INPUT_PARTS =
        PART(PART_COMBINE_B) | PART(PART_MLP_B) | PART(PART_DISPATCH_B) | PART(PART_ATTN_B) | PART(PART_OTHER_B),
    WEIGHT_PARTS = PART(PART_MLP_W) | PART(PART_ATTN_W) | PART(PART_OTHER_W),
};

/* The last kernel on each stream of what has to end before. */
struct tail {
    uint32_t *kernel; /* [n_streams]; CHUNK_NONE */
};

struct composer {
    const struct chunk_material *m;
    const struct chunk_spec *spec;
    struct chunk_program *out;
    uint32_t *part_of_phase;          /* [n_phases] */
    uint32_t *moved;                  /* [material's n_kernels] index in the slot being laid; CHUNK_NONE */
    uint32_t turn[2][N_CHUNK_LAYERS]; /* [backward] layers of the kind that were used */
    struct tail forward, backward;    /* of the chains of both directions */
    struct tail gradients;            /* of the part whose weights' gradients come next */
    struct tail part;                 /* of the part being laid */
    bool *begun;                      /* [n_streams] the part has a kernel there */
    bool again;                       /* forward parts that are laid are of the backward chunk */
    int32_t slot;
};

/* --- the material ------------------------------------------------------------------------------------------ */

static uint32_t part_named(const char *name)
{
    for (uint32_t p = 0; p < N_CHUNK_PARTS; p++)
        if (!strcmp(chunk_part_names[p], name))
            return p;
    BUG("'%s' is no part of a layer", name);
}

/* The material's next layer of the kind, from 1. */
static int32_t next_layer(struct composer *c, bool backward, uint8_t kind)
{
    uint32_t n = 0, found = 0;
    for (uint32_t i = 0; i < c->m->n_layers; i++)
        n += c->m->kind[i] == kind;
    BUG_IF(!n);
    uint32_t wanted = c->turn[backward][kind]++ % n;
    for (uint32_t i = 0; i < c->m->n_layers; i++)
        if (c->m->kind[i] == kind && found++ == wanted)
            return (int32_t)i + 1;
    BUG("no layer of kind %d", kind);
}

/* --- laying parts ------------------------------------------------------------------------------------------- */

static void add_dep(struct composer *c, struct chunk_kernel *k, uint32_t before)
{
    if (before == CHUNK_NONE)
        return;
    c->out->deps[c->out->n_deps++] = before;
    k->n_deps++;
}

/* The first kernel of a part on each stream waits for all that ends the part before. */
static void add_chain(struct composer *c, struct chunk_kernel *k, const struct tail *before)
{
    if (c->begun[k->stream])
        return;
    for (uint32_t s = 0; s < c->out->n_streams; s++)
        add_dep(c, k, before->kernel[s]);
}

/* A forward kernel for the tokens of its layer's backward chunk. */
static void of_backward(const struct chunk_program *from, struct chunk_kernel *k)
{
    double was = from->load[k->routing], is = from->load[k->routing | 1];
    if (k->per_token && was > 0 && is > 0)
        k->work_s *= is / was;
    k->routing |= 1;
    k->backward = true;
}

static void lay_kernel(struct composer *c, uint32_t kernel, const struct tail *before)
{
    const struct chunk_program *from = &c->m->program;
    const struct chunk_kernel *was = &from->kernels[kernel];
    uint32_t id = c->out->n_kernels++;
    struct chunk_kernel *k = &c->out->kernels[id];

    *k = *was;
    k->layer = c->slot;
    if (c->again)
        of_backward(from, k);
    c->out->load[2 * (uint32_t)c->slot + k->backward] = from->load[k->routing];
    k->routing = 2 * (uint32_t)c->slot + k->backward;
    k->first_dep = c->out->n_deps;
    k->n_deps = 0;
    for (uint32_t i = 0; i < was->n_deps; i++)
        add_dep(c, k, c->moved[from->deps[was->first_dep + i]]);
    add_chain(c, k, before);
    c->begun[k->stream] = true;
    c->part.kernel[k->stream] = id;
    c->moved[kernel] = id;
}

static void clear(const struct composer *c, struct tail *t)
{
    for (uint32_t s = 0; s < c->out->n_streams; s++)
        t->kernel[s] = CHUNK_NONE;
}

/* Lays a layer's part; false when it has none. The part's tail is c->part. */
static bool lay_part(struct composer *c, int32_t layer, uint32_t part, const struct tail *before)
{
    const struct chunk_program *from = &c->m->program;
    uint32_t n = c->out->n_kernels;

    clear(c, &c->part);
    memset(c->begun, 0, c->out->n_streams * sizeof *c->begun);
    for (uint32_t i = 0; i < from->n_kernels; i++)
        if (from->kernels[i].layer == layer && c->part_of_phase[from->kernels[i].phase] == part)
            lay_kernel(c, i, before);
    return c->out->n_kernels > n;
}

static void follow(const struct composer *c, struct tail *chain)
{
    memcpy(chain->kernel, c->part.kernel, c->out->n_streams * sizeof *chain->kernel);
}

/* Of weights, after a part of inputs; N_CHUNK_PARTS: none. */
static uint32_t weights_of(uint32_t part)
{
    return part == PART_MLP_B     ? PART_MLP_W
           : part == PART_ATTN_B  ? PART_ATTN_W
           : part == PART_OTHER_B ? PART_OTHER_W
                                  : N_CHUNK_PARTS;
}

/* A link of the chain of its direction; weights' gradients wait for the gradients of their part, and nobody waits
 * for them, unless they are computed at once. */
static void lay_link(struct composer *c, int32_t layer, uint32_t part, unsigned wanted)
{
    struct tail *chain = PART(part) & FORWARD_PARTS ? &c->forward : &c->backward;
    uint32_t weights = weights_of(part);
    if (PART(part) & WEIGHT_PARTS) {
        lay_part(c, layer, part, &c->gradients);
        return;
    }
    if (lay_part(c, layer, part, chain))
        follow(c, chain);
    if (weights == N_CHUNK_PARTS)
        return;
    follow(c, &c->gradients);
    if (c->spec->weights_at_once && PART(weights) & wanted && lay_part(c, layer, weights, &c->gradients))
        follow(c, &c->backward);
}

/* Forward parts of a layer of the backward stage. */
static void lay_again(struct composer *c, int32_t layer)
{
    static const uint32_t parts[] = {PART_ATTN_F, PART_DISPATCH_F, PART_MLP_F};
    c->again = true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (c->spec->again & PART(parts[i]) && lay_part(c, layer, parts[i], &c->backward))
            follow(c, &c->backward);
    c->again = false;
}

static unsigned backward_parts(const struct composer *c)
{
    return (c->spec->work & WORK_INPUT ? (unsigned)INPUT_PARTS : 0) |
           (c->spec->work & WORK_WEIGHT ? (unsigned)WEIGHT_PARTS : 0);
}

static bool transformer(uint8_t kind)
{
    return kind == LAYER_DENSE || kind == LAYER_MOE;
}

/* Kinds of layers; N_CHUNK_LAYERS: none. */
static void lay_slot(struct composer *c, uint8_t forward, uint8_t backward)
{
    int32_t f = forward < N_CHUNK_LAYERS ? next_layer(c, false, forward) : 0;
    int32_t b = backward < N_CHUNK_LAYERS ? next_layer(c, true, backward) : 0;
    unsigned parts = backward_parts(c);
    bool at_once = c->spec->weights_at_once && c->spec->work & WORK_INPUT;

    c->slot++;
    clear(c, &c->gradients);
    for (uint32_t i = 0; i < c->m->program.n_kernels; i++)
        c->moved[i] = CHUNK_NONE;
    if (b && c->spec->again && c->spec->work & WORK_INPUT && transformer(backward)) {
        lay_again(c, b);
        for (uint32_t i = 0; i < c->m->program.n_kernels; i++)
            c->moved[i] = CHUNK_NONE;
    }
    for (uint32_t p = 0; p < N_CHUNK_PARTS; p++) {
        if (f && PART(p) & FORWARD_PARTS)
            lay_link(c, f, p, 0);
        if (b && PART(p) & parts && !(at_once && PART(p) & WEIGHT_PARTS))
            lay_link(c, b, p, parts);
    }
}

/* --- slots --------------------------------------------------------------------------------------------------- */

static void lay_slots(struct composer *c)
{
    const struct chunk_stage *f = &c->spec->forward, *b = &c->spec->backward;
    uint32_t i = 0, left = b->n;

    while (i < f->n || left > 0) {
        uint8_t forward = i < f->n ? f->kind[i] : N_CHUNK_LAYERS;
        uint8_t backward = left > 0 ? b->kind[left - 1] : N_CHUNK_LAYERS;
        if (forward < N_CHUNK_LAYERS && !transformer(forward))
            backward = N_CHUNK_LAYERS;
        else if (backward < N_CHUNK_LAYERS && !transformer(backward))
            forward = N_CHUNK_LAYERS;
        lay_slot(c, forward, backward);
        i += forward < N_CHUNK_LAYERS;
        left -= backward < N_CHUNK_LAYERS;
    }
}

static uint32_t *streams_array(const struct composer *c, struct arena *arena)
{
    return ARENA_ARRAY(arena, uint32_t, c->out->n_streams);
}

static void make_room(struct composer *c, struct arena *arena)
{
    const struct chunk_program *from = &c->m->program;
    size_t slots = (size_t)c->spec->forward.n + c->spec->backward.n * (c->spec->again ? 2u : 1u);
    /* a slot takes at most each kernel of the material (twice when it runs again), which waits for its own and once for every stream */
    size_t kernels = slots * from->n_kernels, deps = slots * (from->n_deps + from->n_kernels * from->n_streams);

    c->out->kernels = ARENA_ARRAY(arena, struct chunk_kernel, kernels);
    c->out->deps = ARENA_ARRAY(arena, uint32_t, deps);
    c->out->n_routings = 2 * (uint32_t)slots + 2;
    c->out->load = ARENA_ARRAY(arena, double, c->out->n_routings);
    c->moved = ARENA_ARRAY(arena, uint32_t, from->n_kernels);
    c->begun = ARENA_ARRAY(arena, bool, from->n_streams);
    c->part_of_phase = ARENA_ARRAY(arena, uint32_t, from->n_phases);
    for (uint32_t i = 0; i < from->n_phases; i++)
        c->part_of_phase[i] = part_named(from->phases[i]);
}

void chunk_compose(const struct chunk_material *material, const struct chunk_spec *spec, struct arena *arena,
                   struct chunk_program *out)
{
    const struct chunk_program *from = &material->program;
    struct composer c = {.m = material, .spec = spec, .out = out};

    *out = (struct chunk_program){.streams = from->streams,
                                  .names = from->names,
                                  .phases = from->phases,
                                  .n_streams = from->n_streams,
                                  .n_names = from->n_names,
                                  .n_phases = from->n_phases};
    make_room(&c, arena);
    c.forward.kernel = streams_array(&c, arena);
    c.backward.kernel = streams_array(&c, arena);
    c.gradients.kernel = streams_array(&c, arena);
    c.part.kernel = streams_array(&c, arena);
    clear(&c, &c.forward);
    clear(&c, &c.backward);
    lay_slots(&c);
}
